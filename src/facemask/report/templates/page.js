// Tables sort by the column that is clicked, up, down, and back as they were; folded parts open for printing.
(() => {
  "use strict";
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
  const valueOf = (row, index) => {
    const cell = row.cells[index];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number"
      ? a - b
      : typeof a === typeof b
        ? a.localeCompare(b, undefined, { numeric: true })
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
    for (const folded of document.querySelectorAll("details:not([open])")) {
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
