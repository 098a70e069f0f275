// Tables sort by the column that is clicked, up, down, and back as they were; folded parts open for printing,
// but for those that are marked as kept folded.
(() => {
  "use strict";
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
  const valueOf = (row, index) => {
    const cell = row.cells[index];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
  };
  // Numbers inside texts, with separators, decimals and exponents; a sign only where a number begins.
  const NUMBERS = /((?:(?<![\w.,])[-\u2212])?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+\b)?)/;
  // Splitting by a group leaves texts at even places and numbers at odd ones.
  const partsOf = (text) =>
    text.split(NUMBERS).map((part, place) =>
      place % 2 ? Number(part.replaceAll(",", "").replace("\u2212", "-")) : part);
  // localeCompare's own numeric order reads 0.02 as 0 and 2, which puts it after 0.01 and before 0.005.
  const compareTexts = (a, b) => {
    const [left, right] = [partsOf(a), partsOf(b)];
    for (let place = 0; place < Math.min(left.length, right.length); place++) {
      const difference = place % 2
        ? left[place] - right[place]
        : left[place].localeCompare(right[place]);
      if (difference) return difference;
    }
    return left.length - right.length;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number"
      ? a - b
      : typeof a === typeof b
        ? compareTexts(a, b)
        : typeof a === "number" ? -1 : 1;
  const sort = (header) => {
    const table = header.closest("table");
    const direction = NEXT[header.getAttribute("aria-sort") ?? "none"];
    const sign = { ascending: 1, descending: -1, none: 0 }[direction];
    const body = table.tBodies[0];
    const rows = [...body.rows];
    rows.forEach((row, index) => { row.dataset.place ??= index; });
    rows.sort((a, b) => a.dataset.place - b.dataset.place);
    rows.sort((a, b) => sign * compare(valueOf(a, header.cellIndex), valueOf(b, header.cellIndex)));
    for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
    if (sign) header.setAttribute("aria-sort", direction);
    body.append(...rows);
  };
  for (const button of document.querySelectorAll("button.sort"))
    button.addEventListener("click", () => sort(button.closest("th")));
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details:not([open], .kept-folded)")) {
      folded.open = true;
      folded.dataset.wasFolded = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const opened of document.querySelectorAll("details[data-was-folded]")) {
      opened.open = false;
      delete opened.dataset.wasFolded;
    }
  });
})();
