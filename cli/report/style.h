// How reports look.
#pragma once

#include <string_view>

namespace coppice::cli {

/// One accent, three greys, light and dark: every text has a contrast of 4.5 or more.
inline constexpr std::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --paper: #fffdfa; --wash: #f7f2ea; --ink: #1d1b18; --soft: #605b53; --line: #e5dfd5;
  --axis: #948d82; --accent: #b8400e; --muted: #6b665e; --faint: #d8d1c5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171513; --wash: #24211d; --ink: #f0ece5; --soft: #b5aea3; --line: #37332d;
    --axis: #82796d; --accent: #ff9152; --muted: #a69f94; --faint: #4d4841;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink); font-size: 16px; line-height: 1.5;
  font-family: -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; overflow-wrap: break-word;
}
main { max-width: 1240px; margin: 0 auto; padding: 64px 40px 80px; }
h1, h2, h3, p, dl, dd, table { margin: 0; overflow-wrap: anywhere; }
.kicker, .note { color: var(--soft); font-size: 14px; }
.note { margin-top: 20px; }
h1 {
  max-width: 25ch; margin: 12px 0 20px; font-size: clamp(34px, 5.2vw, 60px); line-height: 1.06;
  letter-spacing: -0.022em; font-weight: 700; text-wrap: balance;
}
.lede { max-width: 62ch; font-size: 19px; line-height: 1.5; }
.warning { max-width: 62ch; margin-top: 16px; padding-left: 14px; border-left: 3px solid var(--accent); }
.numbers {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 28px 32px; margin-top: 48px;
}
.numbers dt { font-size: 14px; color: var(--soft); }
.numbers dd { font-size: 34px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; }
.numbers dd + dd { font-size: 14px; line-height: 1.45; font-weight: 400; letter-spacing: 0; color: var(--soft); }
section { margin-top: 40px; padding-top: 20px; border-top: 2px solid var(--ink); }
h2 { font-size: 26px; line-height: 1.2; letter-spacing: -0.012em; }
h2 + p { max-width: 66ch; margin-top: 8px; color: var(--soft); }
.grid {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 0 40px;
  margin-top: 32px; align-items: start;
}
.cell {
  min-width: 0; margin-bottom: 44px; display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0;
}
.body { grid-row: 3 / -1; }
@media (min-width: 1120px) { .features .cell:first-child { grid-row: span 9; } }
@media (min-width: 780px) { .two { grid-column: span 2; } }
h3 { font-size: 16px; line-height: 1.35; font-weight: 650; }
h3 + p { margin-top: 2px; font-size: 14px; line-height: 1.45; color: var(--soft); }
.body { margin-top: 14px; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; line-height: 1.35; }
th, td { padding: 6px 0 6px 14px; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 400; color: var(--soft); vertical-align: bottom; }
thead th { overflow-wrap: break-word; font-size: 13px; border-bottom-color: var(--axis); }
th:first-child, td:first-child { padding-left: 0; }
th.left, td.left { text-align: left; }
td { overflow-wrap: anywhere; }
td:not(.left), .wide td, .wide th { white-space: nowrap; }
tr.highlighted td { font-weight: 650; color: var(--accent); }
.soft { color: var(--soft); }
.changed { font-weight: 650; }
.columns { column-width: 330px; column-gap: 40px; margin-top: 24px; }
.columns tr { break-inside: avoid; }
.confusion td { width: 38%; padding: 14px 0 14px 14px; }
.confusion td b { display: block; font-size: 28px; line-height: 1.2; font-weight: 600; }
.confusion tbody th { text-align: left; vertical-align: middle; }
.confusion .accent b { color: var(--accent); }
details { margin-top: 20px; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
details > :not(summary) { margin-top: 16px; }
.figure { display: block; width: 100%; max-width: 460px; height: auto; overflow: visible; }
.figure text { font-size: 12px; fill: var(--soft); }
.figure .label { stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; paint-order: stroke; }
.figure .label.accent { fill: var(--accent); font-weight: 600; }
path.gridline { stroke: var(--line); }
path.axis { stroke: var(--axis); }
path.rule { stroke: var(--axis); stroke-dasharray: 2 3; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.accent { stroke: var(--accent); }
.line.muted { stroke: var(--axis); }
.line.faint { stroke: var(--axis); stroke-width: 1; }
.line.thin { stroke-width: 1; stroke-opacity: 0.55; }
.dashed { stroke-dasharray: 4 4; }
.area.accent { fill: var(--accent); }
header { margin-bottom: 72px; }
.area.muted, .area.faint { fill: var(--faint); }
.dot.accent { fill: var(--accent); }
.dot.muted { fill: var(--muted); }
.dot.faint { fill: var(--faint); }
.dot { stroke: var(--paper); stroke-width: 1.5; }
.cloud { fill: none; stroke-width: 4; stroke-linecap: round; stroke-opacity: 0.35; }
.cloud.accent { stroke: var(--accent); }
.cloud.muted { stroke: var(--muted); }
.rug { fill: var(--faint); }
.hover { fill: none; pointer-events: all; }
footer { margin-top: 56px; padding-top: 20px; border-top: 1px solid var(--line); font-size: 14px; color: var(--soft); }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 0.92em; overflow-wrap: anywhere; }
@media (max-width: 600px) {
  main { padding: 32px 20px 56px; }
  .lede { font-size: 17px; }
  .numbers { grid-template-columns: 1fr 1fr; gap: 24px 20px; margin-top: 36px; }
  .numbers dd { font-size: 28px; }
  section { margin-top: 20px; }
  .minor { display: none; }
  th, td { padding-left: 8px; }
  table { font-size: 13px; }
  thead th { font-size: 12px; }
}
@media print {
  main { padding: 0; max-width: none; }
  .cell, tr { break-inside: avoid; }
}
)css";

}  // namespace coppice::cli
