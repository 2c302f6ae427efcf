"""The style of every page: calm, readable on a phone, light or dark as the reader prefers."""

STYLE = """\
:root {
  --paper: #f6f7f8; --card: #fefefe; --ink: #1f2429; --muted: #69727c;
  --rule: #dfe3e7; --accent: #0072b2; --tint: #eef4f9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1c2024; --ink: #e6e9ec; --muted: #98a2ac;
    --rule: #343b42; --accent: #6fb7e6; --tint: #202a33;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header { margin-bottom: 1.75rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 .75rem; }
header p, .note { color: var(--muted); margin: 0; }
.note { font-size: .9rem; margin-bottom: .9rem; max-width: 46rem; }
section {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 1.25rem; margin: 1.25rem 0;
}
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1.1rem 1.5rem; margin: 0; }
.tile dt { color: var(--muted); font-size: .82rem; }
.tile dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tile small { display: block; font-size: .8rem; font-weight: 400; color: var(--muted); white-space: normal; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--muted); font-weight: 500; white-space: nowrap; vertical-align: bottom; }
.number { text-align: right; white-space: nowrap; padding: .4rem 0 .4rem .8rem; }
tbody tr:last-child td { border-bottom: 0; }
tr.marked td { background: var(--tint); font-weight: 600; }
figure { margin: 0; }
figure + figure { margin-top: 1.75rem; }
.picture svg { display: block; width: 100%; height: auto; min-width: 34rem; }
details { border-top: 1px solid var(--rule); padding: .6rem 0; }
details:first-of-type { border-top: 0; }
summary { cursor: pointer; color: var(--accent); }
pre {
  overflow-x: auto; background: var(--paper); border: 1px solid var(--rule); border-radius: 8px; padding: 1rem;
  font: .8rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (max-width: 40rem) {
  main { padding: 1.25rem .75rem 2.5rem; }
  section { padding: 1rem .9rem; border-radius: 8px; }
  h1 { font-size: 1.35rem; }
}
@media print { section { break-inside: avoid; } details { display: none; } }
"""
