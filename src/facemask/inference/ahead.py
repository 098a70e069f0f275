"""Work done ahead of its reader, on a few threads, in order and in constant memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def done_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int, threads: int
) -> Generator[Result, None, None]:
    """What `work` gives for each item, in order; up to `ahead` items are begun before they are due.

    The items are taken in the reader's thread, one for each result read, so they may be endless
    and their iterator need not be thread-safe. When the reader stops early, what was not begun
    is dropped.

    Raises:
        Exception: whatever `work` raised for an item, when that item is due.
    """
    source = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="facemask")
    waiting: deque[Future[Result]] = deque()
    try:
        waiting.extend(pool.submit(work, item) for item in islice(source, ahead))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(source, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
