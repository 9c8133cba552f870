import { createHash } from 'node:crypto'
import { trusted } from './html.ts'

/** The one style sheet, inline: a page is one request, and its hash is what the CSP lets through. */
const style = `
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--line:#e1e4ea;--text:#1b1f27;--soft:#5b6472;--faint:#8a93a2;
--log:#fbfbfc;--good:#18794e;--bad:#c62a2f;--trouble:#ad5700;--active:#0b68cb;--waiting:#5b6472;--quiet:#5b6472;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media(prefers-color-scheme:dark){:root{--bg:#0d1015;--card:#151a21;--line:#272e38;--text:#e8ebf0;--soft:#a3acba;--faint:#77818f;
--log:#10141a;--good:#4cc38a;--bad:#ff6369;--trouble:#f1a10d;--active:#52a9ff;--waiting:#a3acba;--quiet:#a3acba}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 var(--sans);-webkit-text-size-adjust:100%}
main,.top,footer{max-width:60rem;margin:0 auto;padding:0 1.25rem}
.top{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;padding-top:1.25rem;padding-bottom:.9rem;color:var(--faint);font-size:.85rem}
.brand{font-weight:650;color:var(--soft);letter-spacing:.01em}
code,.mono{font-family:var(--mono);font-size:.9em}
.good{--tone:var(--good)}.bad{--tone:var(--bad)}.trouble{--tone:var(--trouble)}.active{--tone:var(--active)}.waiting{--tone:var(--waiting)}.quiet{--tone:var(--quiet)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;margin-bottom:1rem;overflow:hidden}
.card>h2{margin:0;padding:.85rem 1.25rem .35rem;font-size:.8rem;font-weight:600;color:var(--soft)}
.hero{border-top:4px solid var(--tone);padding:1.25rem}
.state{display:inline-flex;align-items:center;gap:.5rem;margin:0;padding:.2rem .7rem .2rem .6rem;border-radius:99px;font-weight:600;font-size:.9rem;
color:var(--tone);background:color-mix(in srgb,var(--tone) 11%,transparent)}
.dot{width:.55rem;height:.55rem;border-radius:50%;background:currentColor}
.active .dot{animation:pulse 1.6s ease-in-out infinite}
@keyframes pulse{50%{opacity:.3}}
@media(prefers-reduced-motion:reduce){.dot{animation:none!important}}
.badges{display:flex;flex-wrap:wrap;align-items:center;gap:.6rem}
.took{color:var(--soft);font-size:.9rem;font-variant-numeric:tabular-nums}
.note{border:1px dashed var(--faint);border-radius:99px;padding:.15rem .7rem;font-size:.8rem;color:var(--soft)}
h1{margin:.8rem 0 .15rem;font-size:1.6rem;line-height:1.25;letter-spacing:-.015em;font-weight:680;overflow-wrap:anywhere}
.hero p.sub{margin:0;color:var(--soft);overflow-wrap:anywhere}
.sub code{color:var(--text)}
.reason{border-left:4px solid var(--tone);padding:1rem 1.25rem}
.reason p{margin:0;font-weight:600;overflow-wrap:anywhere}
.reason pre{margin:.75rem 0 0;padding:.75rem .9rem;background:var(--log);border:1px solid var(--line);border-radius:8px;
font:12.5px/1.6 var(--mono);white-space:pre-wrap;overflow-wrap:anywhere}
.scan p{margin:0;padding:.15rem 1.25rem .55rem}.findings{overflow-x:auto;padding:0 1.25rem 1rem}
.findings table{border-collapse:collapse;width:100%;font-size:.9rem}.findings th{color:var(--soft);font-weight:500}
.findings th,.findings td{text-align:left;padding:.25rem 1rem .25rem 0;border-top:1px solid var(--line);white-space:nowrap}
.remarks p{margin:0;padding:.15rem 1.25rem .35rem;overflow-wrap:anywhere}.remarks{padding-bottom:.6rem}
dl{display:grid;align-items:baseline;grid-template-columns:8.5rem 1fr;gap:.45rem 1rem;margin:0;padding:.35rem 1.25rem 1.1rem}
dt{color:var(--soft)}dd{margin:0;min-width:0;overflow-wrap:anywhere}
dd code{display:block}
.digest{color:var(--soft)}
.steps{list-style:none;margin:0;padding:.15rem 1.25rem 1rem}
.steps li{display:grid;grid-template-columns:4.4rem 11.5rem 4.6rem 1fr;align-items:center;gap:0 1rem;padding:.3rem 0}
.steps .ms{text-align:right;color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap}
.steps time{color:var(--faint);font-size:.85rem;font-variant-numeric:tabular-nums}
.steps small{grid-column:2/-1;color:var(--soft);overflow-wrap:anywhere}
.bar{width:100%;height:8px;border-radius:4px;background:color-mix(in srgb,var(--line) 55%,transparent);display:block}
.bar rect{fill:var(--faint)}.steps .last .bar rect{fill:var(--tone)}
.steps .open span{font-weight:600}
.card>h2{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.25rem 1rem}
.log>h2{padding-bottom:.7rem}
h2 span{font-weight:400;color:var(--faint)}
.scroll{display:flex;flex-direction:column-reverse;max-height:min(75vh,46rem);overflow:auto;background:var(--log);border-top:1px solid var(--line)}
.scroll:focus-visible{outline:2px solid var(--active);outline-offset:-2px}
.lines{list-style:none;margin:0;padding:.7rem 0;font:12.5px/1.6 var(--mono)}
.lines li{display:grid;grid-template-columns:3.8rem 2.6rem 1fr;gap:0 .75rem;padding:0 1.25rem}
.lines li:hover{background:color-mix(in srgb,var(--faint) 12%,transparent)}
.lines i{font-style:normal;color:var(--faint);text-align:right;font-variant-numeric:tabular-nums;user-select:none}
.lines b{font-weight:400;color:var(--faint);user-select:none}
.lines em{font-style:normal;color:var(--faint);user-select:none}
.lines span{white-space:pre-wrap;overflow-wrap:anywhere;min-width:0}
.empty{margin:0;padding:1.1rem 1.25rem;color:var(--soft);border-top:1px solid var(--line)}
footer{padding-top:.25rem;padding-bottom:2.5rem;color:var(--faint);font-size:.8rem;overflow-wrap:anywhere}
.message{max-width:32rem;margin:18vh auto 0;padding:0 1.25rem;text-align:center}
.message p{color:var(--soft)}
@media(max-width:640px){main,.top,footer{padding-left:.75rem;padding-right:.75rem}h1{font-size:1.3rem}
.hero,.reason{padding:1rem}.card>h2{padding-left:1rem;padding-right:1rem}
dl{grid-template-columns:1fr;gap:0;padding:.25rem 1rem 1rem}dt{font-size:.85rem}dd{margin-bottom:.55rem}
.steps{padding-left:1rem;padding-right:1rem}.steps li{grid-template-columns:auto 1fr auto;gap:.15rem .75rem}.bar{grid-column:1/-1}
.lines li{grid-template-columns:3.4rem 1fr;padding:0 .75rem;gap:0 .6rem}.lines b{display:none}}
`

/** Whole, since a space more between the tags would be another hash. */
export const styleElement = trusted(`<style>${style}</style>`)

const hash = createHash('sha256').update(style).digest('base64')

/** Nothing may load or run but this style sheet and an icon that is in the page itself. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
