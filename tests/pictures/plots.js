'use strict';
/* Panels over time, by uPlot, which is what Grafana draws them with. */

/* Grafana's classic palette and its names of colours. */
const PALETTE = [
  '#73bf69', '#f2cc0c', '#8ab8ff', '#ff780a', '#f2495c', '#5794f2', '#b877d9', '#705da0',
  '#37872d', '#fade2a', '#447ebc', '#c15c17', '#890f02', '#0a437c', '#6d1f62', '#584477',
  '#b7dbab', '#f4d598', '#70dbed', '#f9ba8f', '#f29191', '#82b5d8', '#e5a8e2', '#aea2e0',
];
const NAMED = {
  green: '#73bf69', yellow: '#fade2a', red: '#f2495c', blue: '#5794f2', orange: '#ff9830', purple: '#b877d9',
};
const styles = getComputedStyle(document.documentElement);
const variable = name => styles.getPropertyValue('--' + name).trim();
const coloured = name => name === 'text' ? variable('text') : NAMED[name] ?? name;
const FONT = '12px Inter, "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", sans-serif';
const clock = seconds => new Date(seconds * 1000).toTimeString().slice(0, 5);

/* All moments of the picture, and a series' values at them: null where it has none. */
const moments = data =>
  Array.from({ length: (data.to - data.from) / data.step + 1 }, (_, i) => data.from + i * data.step);
function aligned(data, values) {
  const at = new Map(values.map(([time, value]) => [Number(time), Number(value)]));
  return moments(data).map(time => {
    const value = at.get(time);
    return value === undefined || !isFinite(value) ? null : value;
  });
}

const measuring = document.createElement('canvas').getContext('2d');
function widest(texts) {
  measuring.font = FONT;
  return Math.ceil(Math.max(0, ...texts.map(text => measuring.measureText(text).width)));
}

/* What is alike in all plots: the axis of time, the lines of annotations, no legend and no cursor of uPlot's own. */
function plot(place, data, options, rows) {
  const axis = {
    stroke: variable('text'), font: FONT, grid: { stroke: variable('grid'), width: 1 }, ticks: { show: false },
  };
  const time = { ...axis, space: 90, size: 24, gap: 4, values: (_, splits) => splits.map(clock) };
  const y = { ...axis, gap: 6, size: (u, values) => values ? widest(values) + 14 : 30, ...options.y };
  const size = place.getBoundingClientRect();
  const annotate = u => data.annotations.forEach(
    one => one.times.forEach(at => upright(u, at, coloured(one.color))));
  new uPlot({
    width: size.width, height: size.height, padding: [8, 22, 0, 0], legend: { show: false }, cursor: { show: false },
    scales: {
      x: { time: true, range: [data.from, data.to] },
      y: { range: options.range, dir: options.direction ?? 1 },
    },
    axes: [time, y], series: [{}, ...options.series], bands: options.bands ?? [],
    hooks: { draw: [...(options.draw ?? []), annotate] },
  }, [moments(data), ...rows], place);
}

function line(u, colour, dash, [x0, y0], [x1, y1]) {
  const context = u.ctx, pixels = devicePixelRatio;
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = pixels;
  context.setLineDash(dash.map(length => length * pixels));
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.restore();
}

function upright(u, at, colour) {
  const x = Math.round(u.valToPos(at, 'x', true));
  line(u, colour, [4, 4], [x, u.bbox.top], [x, u.bbox.top + u.bbox.height]);
}

function threshold(u, value, colour) {
  if (value < u.scales.y.min || value > u.scales.y.max) return;
  const y = Math.round(u.valToPos(value, 'y', true));
  line(u, colour, [10, 10], [u.bbox.left, y], [u.bbox.left + u.bbox.width, y]);
}

/* Limits of the values: those of the panel where it has some, else a little more than the values have. */
function limits(defaults) {
  return (u, low, high) => {
    if (low === null || high === null) [low, high] = [0, 1];
    const some = low === high ? [Math.min(low, 0), high > 0 ? high * 1.2 : 1] : uPlot.rangeNum(low, high, 0.1, true);
    return [defaults.min ?? some[0], defaults.max ?? Math.max(some[1], (defaults.min ?? some[0]) + 1e-9)];
  };
}

/* Steps of an axis where they are not powers of ten: of two for bytes, and those of a clock from a second on. */
const INCREMENTS = {
  bytes: Array.from({ length: 54 }, (_, i) => 2 ** i),
  s: [
    1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
    1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800, 2419200,
  ],
};

/* Each series on top of those before it, as Grafana's "normal" stacking; where it has no value it has none. */
function stacked(rows) {
  const below = rows[0].map(() => 0);
  return rows.map(row => row.map((value, i) => value === null ? null : (below[i] += value)));
}

function timeseries(place, data, panel, frames) {
  const defaults = panel.fieldConfig.defaults, custom = defaults.custom;
  const stacking = custom.stacking?.mode === 'normal';
  const rows = frames.map(frame => aligned(data, frame.values));
  const series = frames.map(frame => ({
    stroke: frame.colour, width: custom.lineWidth,
    fill: frame.fill ? frame.colour + Math.round(frame.fill * 2.55).toString(16).padStart(2, '0') : undefined,
    // as Grafana's auto: where they are few, and a lone one that no line leads to
    dash: frame.dash, points: custom.showPoints === 'never' ? { show: false } : {}, spanGaps: custom.spanNulls,
  }));
  const incrs = INCREMENTS[defaults.unit];
  const dashes = u => defaults.thresholds.steps.filter(step => step.value !== null).forEach(
    step => threshold(u, step.value, coloured(step.color)));
  plot(place, data, {
    series, range: limits(defaults),
    bands: stacking ? frames.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })) : [],
    y: { values: (_, splits) => formattedTicks(defaults.unit, splits), ...(incrs ? { incrs } : {}) },
    draw: custom.thresholdsStyle?.mode === 'dashed' ? [dashes] : [],
  }, stacking ? stacked(rows) : rows);
}

/* The states that the series of a panel were in: what a value is mapped to, by value. */
function statesOf(panel, frames) {
  const mapped = panel.fieldConfig.defaults.mappings[0].options;
  const seen = new Set(frames.flatMap(frame => frame.values.map(([, value]) => value)));
  return Object.entries(mapped).filter(([value]) => seen.has(value)).map(
    ([value, one]) => ({ value: Number(value), name: one.text, colour: coloured(one.color) }));
}

/* A row for each series, in the colour of its state; a state lasts until the next value. */
function stateTimeline(place, data, panel, frames) {
  const colours = new Map(statesOf(panel, frames).map(state => [state.value, state.colour]));
  const rows = frames.map(frame => aligned(data, frame.values));
  const states = u => rows.forEach((row, i) => {
    const half = panel.options.rowHeight / 2;
    const [top, bottom] = [i - half, i + half].map(y => u.valToPos(y, 'y', true));
    for (let from = 0, to; from < row.length; from = to) {
      for (to = from + 1; to < row.length && row[to] === row[from];) to++;
      if (row[from] === null) continue;
      const ends = [u.data[0][from], u.data[0][Math.min(to, row.length - 1)]];
      const [left, right] = ends.map(time => u.valToPos(time, 'x', true));
      u.ctx.fillStyle = (colours.get(row[from]) ?? variable('text')) + 'cc';
      u.ctx.fillRect(left, top, right - left, bottom - top);
    }
  });
  plot(place, data, {
    series: frames.map(() => ({ paths: () => null, points: { show: false } })),
    range: [-0.5, frames.length - 0.5], direction: -1, draw: [states],
    y: { splits: frames.map((_, i) => i), values: frames.map(frame => frame.name), grid: { show: false } },
  }, rows);
}
