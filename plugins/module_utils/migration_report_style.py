# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Style sheet of the report: light and dark, wide and narrow, and on paper."""

STYLE = """
:root { color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --text: #1c2330; --quiet: #5d6879; --rule: #e1e5eb; --soft: #eef1f5;
  --good: #12805c; --good-soft: #e3f4ec; --warning: #9a6200; --warning-soft: #fdf1dc;
  --bad: #b42318; --bad-soft: #fde8e6; --bytes: #2f6fdb; --objects: #8250c4; --frozen: #2f9fc4; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12161d; --card: #1a2029; --text: #e4e8ee; --quiet: #97a3b4; --rule: #2c3542; --soft: #232b36;
  --good: #4fc998; --good-soft: #16352a; --warning: #e7b04f; --warning-soft: #3a2d12;
  --bad: #f28b82; --bad-soft: #43201d; --bytes: #6ea3f7; --objects: #b892ee; --frozen: #62c4e4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 15px; font-weight: 600; color: var(--quiet); margin: 0 0 12px; }
h2 { font-size: 19px; margin: 0 0 14px; }
h3 { font-size: 15px; margin: 22px 0 8px; }
p { margin: 0 0 10px; }
code { font: 0.88em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  background: var(--soft); border-radius: 4px; padding: 1px 5px; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 22px 24px;
  margin-top: 18px; break-inside: avoid-page; }
.quiet { color: var(--quiet); } .small { font-size: 14px; }
.verdict { display: flex; gap: 18px; align-items: flex-start; border: 0; padding: 26px 28px; }
.verdict h2 { font-size: 27px; line-height: 1.2; margin: 0 0 8px; }
.verdict p:last-child, .verdict ul:last-child { margin-bottom: 0; }
.verdict .mark { flex: none; width: 46px; height: 46px; border-radius: 50%; display: grid; place-items: center;
  color: var(--card); }
.verdict .mark svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 3;
  stroke-linecap: round; stroke-linejoin: round; }
.verdict.good { background: var(--good-soft); } .verdict.good .mark { background: var(--good); }
.verdict.warning { background: var(--warning-soft); } .verdict.warning .mark { background: var(--warning); }
.verdict.bad { background: var(--bad-soft); } .verdict.bad .mark { background: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(145px, 1fr)); gap: 12px; margin-top: 18px; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 14px 16px; }
.tile span { display: block; color: var(--quiet); font-size: 13px; }
.tile b { display: block; font-size: 20px; line-height: 1.4; font-weight: 650; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 15px; }
th, td { text-align: right; padding: 8px 0 8px 14px; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--quiet); font-weight: 500; font-size: 13px; }
th:first-child, td:first-child, th.text, td.text { text-align: left; }
th:first-child, td:first-child { padding-left: 0; }
td:not(:first-child) { white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
td b.good { color: var(--good); } td b.bad, .bad-text { color: var(--bad); }
.phases { display: grid; grid-template-columns: max-content 1fr max-content; gap: 7px 14px; align-items: center;
  font-size: 15px; }
.phases .lane { position: relative; height: 16px; background: var(--soft); border-radius: 8px; overflow: hidden; }
.phases .bar { position: absolute; top: 0; bottom: 0; min-width: 3px; border-radius: 8px; background: var(--bytes); }
.phases .bar.frozen { background: var(--frozen); }
.phases .time { text-align: right; color: var(--quiet); font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 28px; }
.plot { margin: 8px 0 14px; min-width: 0; }
.plot figcaption { display: flex; justify-content: space-between; gap: 4px 12px; flex-wrap: wrap; font-size: 14px;
  margin-bottom: 8px; }
.plot figcaption span, .axis, .frame span { color: var(--quiet); }
.frame { position: relative; height: 140px; padding-left: 78px; }
.frame svg { width: 100%; height: 100%; display: block; }
.frame span { position: absolute; left: 0; width: 70px; text-align: right; font-size: 12px; line-height: 1; }
.frame .top { top: -3px; } .frame .middle { top: calc(50% - 6px); }
.axis { display: flex; justify-content: space-between; padding-left: 78px; font-size: 12px; margin-top: 4px; }
.grid { stroke: var(--rule); stroke-width: 1; vector-effect: non-scaling-stroke; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.area { opacity: 0.16; }
.bytes .line { stroke: var(--bytes); } .bytes .area { fill: var(--bytes); }
.objects .line { stroke: var(--objects); } .objects .area { fill: var(--objects); }
.stack { display: flex; height: 18px; border-radius: 9px; overflow: hidden; background: var(--soft);
  margin: 6px 0 16px; }
.stack i { display: block; min-width: 3px; }
.kinds { display: grid; gap: 10px; }
.kinds div { display: grid; grid-template-columns: 14px 8.5em 1fr; gap: 10px; align-items: baseline; }
.dot { width: 12px; height: 12px; border-radius: 3px; align-self: center; }
.k-etag { background: var(--bytes); } .k-checksum { background: var(--objects); }
.k-read { background: var(--good); }
ul, ol { margin: 0 0 12px; padding-left: 22px; } li { margin: 5px 0; }
ol.keys, ul.keys { font-size: 14px; }
.limit { padding: 12px 0; border-top: 1px solid var(--rule); } .limit:first-of-type { border-top: 0; padding-top: 0; }
.limit p { margin: 0 0 4px; } .limit .examples { font-size: 14px; color: var(--quiet); }
.chip { display: inline-block; font-size: 12px; border-radius: 20px; padding: 1px 9px; background: var(--soft);
  color: var(--quiet); margin-right: 6px; }
.chip.good { background: var(--good-soft); color: var(--good); }
.chip.warning { background: var(--warning-soft); color: var(--warning); }
details summary { cursor: pointer; color: var(--quiet); font-size: 14px; margin: 6px 0; }
footer { color: var(--quiet); font-size: 13px; margin-top: 24px; }
@media (max-width: 720px) {
  body { font-size: 15px; } main { padding: 18px 12px 40px; } section { padding: 18px 16px; }
  .verdict { padding: 20px 16px; gap: 13px; } .verdict h2 { font-size: 21px; }
  .verdict .mark { width: 36px; height: 36px; } .verdict .mark svg { width: 20px; height: 20px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 10px; } .tile { padding: 11px 13px; } .tile b { font-size: 18px; }
  .plots { grid-template-columns: 1fr; } .frame { height: 120px; }
  .phases { grid-template-columns: 1fr max-content; grid-auto-flow: dense; gap: 3px 14px; }
  .phases .lane { grid-column: 1 / -1; margin-bottom: 8px; height: 12px; }
  .phases .name { grid-column: 1; } .phases .time { grid-column: 2; }
  .kinds div { grid-template-columns: 14px 1fr; } .kinds div span:last-child { grid-column: 2; }
  table.cards thead { display: none; }
  table.cards, table.cards tbody, table.cards tr, table.cards td { display: block; width: 100%; }
  table.cards tr { border-bottom: 1px solid var(--rule); padding: 10px 0; }
  table.cards tr:last-child { border-bottom: 0; padding-bottom: 0; }
  table.cards td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 3px 0;
    text-align: right; }
  table.cards td::before { content: attr(data-label); color: var(--quiet); text-align: left; flex: none; }
  table.cards td:first-child { font-weight: 600; padding-bottom: 6px; text-align: left; }
  table.cards td:first-child::before { content: none; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --text: #000; --quiet: #444; --rule: #ccc; --soft: #eee;
    --good: #0b6b4b; --good-soft: #e9f6f0; --warning: #7a4d00; --warning-soft: #fbf2e2; --bad: #9b1c13;
    --bad-soft: #fbeae8; --bytes: #2458b3; --objects: #6a3ea8; --frozen: #23809f; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; } section, .tile { border-color: #bbb; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
