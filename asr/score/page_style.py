"""Looks and behaviour of the report page: written into it, nothing is fetched."""

STYLE = """
:root{--sub:#b45309;--ins:#1d4ed8;--del:#b91c1c;--line:#d4d4d8;--dim:#52525b}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;color:#18181b;max-width:1280px;margin:0 auto;
padding:1.5em}
h1{font-size:1.5em;margin:0}h2{font-size:1.25em;margin:2em 0 .5em}h3{font-size:1.05em}
.dim{color:var(--dim)}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25em .5em;border-bottom:1px solid var(--line);text-align:right;
white-space:nowrap}
th:first-child,td:first-child{text-align:left}
th{font-weight:600}table.sortable th{cursor:pointer}
table.sortable th:hover{text-decoration:underline}
tr.best td{background:#f0fdf4}
.range{position:relative;display:inline-block;width:110px;height:.8em;background:#f4f4f5}
.range i{position:absolute;top:0;bottom:0;background:#93c5fd}
.range b{position:absolute;top:0;bottom:0;width:2px;background:#1e3a8a}
button{font:inherit;padding:.2em .8em;border:1px solid var(--line);background:#fff;
border-radius:4px;cursor:pointer}
button[aria-pressed=true]{background:#1e3a8a;color:#fff;border-color:#1e3a8a}
.choice{display:flex;flex-wrap:wrap;gap:.4em;margin:.5em 0}
.utterance{border-top:1px solid var(--line);padding:.8em 0}
.utterance audio{height:2em;vertical-align:middle;max-width:100%}
.pairs{display:flex;flex-wrap:wrap;gap:.3em .7em;margin-top:.4em}
.pair{display:inline-grid;text-align:center}
.pair span{min-height:1.5em}.S{color:var(--sub)}.I{color:var(--ins)}.D{color:var(--del)}
.S,.I,.D{font-weight:600}.D span:first-child{text-decoration:line-through}
.columns{display:flex;flex-wrap:wrap;gap:1em 3em}
img{max-width:100%}pre{white-space:pre-wrap;font-size:.85em}
"""

# Buttons show one decoder's panels of a set; a click on a table's head sorts it.
SCRIPT = """
for (const button of document.querySelectorAll('button[data-decoder]')) {
  button.addEventListener('click', () => {
    const set = button.closest('section');
    for (const panel of set.querySelectorAll('[data-panel]'))
      panel.hidden = panel.dataset.panel !== button.dataset.decoder;
    for (const other of set.querySelectorAll('button[data-decoder]'))
      other.setAttribute('aria-pressed', other === button);
  });
}
const number = cell => parseFloat(cell.dataset.value ?? cell.textContent);
for (const head of document.querySelectorAll('table.sortable th')) {
  head.addEventListener('click', () => {
    const body = head.closest('table').tBodies[0], column = head.cellIndex;
    const down = head.getAttribute('aria-sort') === 'ascending';
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [a.cells[column], b.cells[column]];
      const gap = number(x) - number(y);
      return Number.isNaN(gap) ? x.textContent.localeCompare(y.textContent) : gap;
    });
    for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    body.append(...(down ? rows.reverse() : rows));
  });
}
"""
