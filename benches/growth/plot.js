// A plot of times over amounts, both by their powers of ten, as an SVG that stands by itself.

const [WIDTH, HEIGHT] = [720, 420];
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 190, 40, 50];

/**
 * @typedef {{ name: string, colour: string, dashed?: boolean, points: [amount: number, ms: number][] }} Line
 * @param {string} title
 * @param {string} amounts what is counted from left to right
 * @param {Line[]} lines
 */
export function plot(title, amounts, lines) {
  const all = lines.flatMap(({ points }) => points);
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const x = scale(Math.min(...xs), Math.max(...xs), LEFT, WIDTH - RIGHT);
  const y = scale(10 ** Math.floor(Math.log10(Math.min(...ys))), 10 ** Math.ceil(Math.log10(Math.max(...ys))), HEIGHT - BOTTOM, TOP);
  const parts = [`<text x="${LEFT}" y="22" font-size="15" font-weight="600">${title}</text>`];
  for (let power = Math.floor(Math.log10(Math.min(...ys))); power <= Math.ceil(Math.log10(Math.max(...ys))); power += 1) {
    const at = y(10 ** power).toFixed(1);
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#ddd"/>`, label(LEFT - 8, Number(at) + 4, said(10 ** power), "end"));
  }
  for (const amount of new Set(xs)) parts.push(label(x(amount), HEIGHT - BOTTOM + 18, amount.toLocaleString("en"), "middle"));
  parts.push(label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, amounts, "middle"));
  // Names stand beside the last points, and not on one another.
  let free = Number.POSITIVE_INFINITY;
  for (const { name, colour, dashed, points } of [...lines].sort((a, b) => last(a) - last(b))) {
    const path = points.map(([amount, ms]) => `${x(amount).toFixed(1)},${y(ms).toFixed(1)}`).join(" ");
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ""}/>`);
    if (!dashed) for (const [amount, ms] of points) parts.push(`<circle cx="${x(amount).toFixed(1)}" cy="${y(ms).toFixed(1)}" r="3" fill="${colour}"/>`);
    free = Math.min(y(last({ points })) + 4, free - 16);
    parts.push(`<text x="${WIDTH - RIGHT + 10}" y="${free.toFixed(1)}" fill="${colour}">${name}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}

/** @param {Pick<Line, "points">} line */
export const last = ({ points }) => points.at(-1)?.[1] ?? 0;

/**
 * @param {number} least
 * @param {number} most
 * @param {number} from
 * @param {number} to
 */
const scale = (least, most, from, to) => (/** @type {number} */ value) => from + ((Math.log10(value) - Math.log10(least)) / (Math.log10(most) - Math.log10(least))) * (to - from);

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} anchor
 */
const label = (x, y, text, anchor) => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#555">${text}</text>`;

/** @param {number} ms */
const said = (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`);
