"""What every page must be: well-formed, complete in itself, and readable without seeing it."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class _Checker(HTMLParser):
    """Walks a page and keeps what it finds wrong."""

    open_tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look_at(tag, dict(attrs))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look_at(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if not self.open_tags or self.open_tags.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self.open_tags and self.open_tags[-1] not in ("style", "script"):
            self.text.append(data.strip())

    def _look_at(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tags.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"] or "")
        if tag == "img" and not attributes.get("alt"):
            self.faults.append("an image without an alternative text")
        if tag == "svg" and not (attributes.get("role") == "img" and attributes.get("aria-label")):
            self.faults.append("a drawing without an alternative text")
        for name in ("src", "href", "xlink:href", "action", "srcset", "data", "poster"):
            address = attributes.get(name)
            if address and not address.startswith(("#", "data:")):
                self.faults.append(f"{tag} {name} leads away: {address[:60]}")
            if address and address.startswith("#"):
                self.links.append(address[1:])
        self.faults += [f"{tag} runs {name}" for name in attributes if name.startswith("on")]


def page_text(html: str) -> str:
    """The words of a page that was checked; fails with what is wrong with it."""
    checker = _Checker()
    checker.feed(html)
    checker.close()
    faults = checker.faults + [f"<{tag}> is never closed" for tag in checker.open_tags]
    faults += [f"id {one!r} twice" for one in set(checker.ids) if checker.ids.count(one) > 1]
    faults += [f"#{link} leads nowhere" for link in checker.links if link not in checker.ids]
    faults += [f"loads {found}" for found in re.findall(r"url\(\s*[\"']?(?!#)[^)]*\)", html)]
    faults += re.findall(r"@import[^;]*", html)
    faults += re.findall(r"https?://[^\s\"'<]*", html)
    assert not faults
    assert html.startswith("<!DOCTYPE html>")
    assert len(html.encode()) < 5_000_000
    return " ".join(part for part in checker.text if part).replace("\N{NO-BREAK SPACE}", " ")
