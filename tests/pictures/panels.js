'use strict';
/* A dashboard on its grid of 24 columns, as Grafana lays it out: 30 pixels a unit of height, 8 between panels. */

const GAP = 8, UNIT = 30;
const data = JSON.parse(document.getElementById('data').textContent);

function element(parent, name, className, text) {
  const made = parent.appendChild(document.createElement(name));
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/*
 * The series of a panel's queries, named by their legends and coloured one after the other; a query's override may have
 * its own line.
 */
function framesOf({ model, queries }) {
  const custom = model.fieldConfig.defaults.custom ?? {};
  const frames = queries.flatMap(query => query.series.map(series => {
    const overrides = (model.fieldConfig.overrides ?? []).filter(one => one.matcher.options === query.ref);
    const own = Object.fromEntries(overrides.flatMap(one => one.properties.map(({ id, value }) => [id, value])));
    return {
      ref: query.ref, labels: series.metric, values: series.values ?? [series.value],
      name: query.legend.replace(/{{\s*(\w+)\s*}}/g, (_, label) => series.metric[label] ?? ''),
      fill: own['custom.fillOpacity'] ?? custom.fillOpacity, dash: own['custom.lineStyle']?.dash,
    };
  }));
  frames.sort((a, b) => a.ref.localeCompare(b.ref) || a.name.localeCompare(b.name, 'en', { numeric: true }));
  return frames.map((frame, i) => ({ ...frame, colour: PALETTE[i % PALETTE.length] }));
}

const last = frame => Number(frame.values[frame.values.length - 1][1]);

/* The colour of the highest threshold that a value has reached. */
function reached({ thresholds }, value) {
  const reaches = step => step.value === null || value >= step.value;
  return coloured(thresholds.steps.reduce((found, step) => reaches(step) ? step : found).color);
}

/* The largest font size at which a text has room, up to a limit. */
const fitting = (text, width, most) =>
  Math.max(10, Math.min(most, Math.floor(12 * width / Math.max(1, widest([text])))));

function stat(place, panel, frames) {
  const { defaults } = panel.fieldConfig, { colorMode, textMode } = panel.options;
  const stats = element(place, 'div', 'stats'), size = place.getBoundingClientRect();
  const room = (size.width - 6 * (frames.length - 1)) / frames.length - 16;
  const names = textMode === 'value_and_name' && frames.length > 0;
  const texts = frames.map(frame => formatted(defaults.unit, last(frame)));
  const large = Math.min(...texts.map(text => fitting(text, room, Math.min(46, size.height * (names ? 0.45 : 0.6)))));
  const small = Math.min(...frames.map(frame => fitting(frame.name, room, Math.min(16, size.height * 0.25))));
  frames.forEach((frame, i) => {
    const box = element(stats, 'div'), colour = reached(defaults, last(frame));
    if (names) element(box, 'span', '', frame.name).style.fontSize = small + 'px';
    const value = element(box, 'b', '', texts[i]);
    value.style.fontSize = large + 'px';
    if (colorMode === 'background') {
      const background = `linear-gradient(120deg, color-mix(in srgb, ${colour} 75%, black), ${colour})`;
      Object.assign(box.style, { background, color: '#111217' });
    } else value.style.color = colour;
  });
}

function bargauge(place, panel, frames) {
  const { defaults } = panel.fieldConfig, bars = element(place, 'div', 'bars');
  const low = defaults.min ?? 0, high = defaults.max ?? Math.max(low + 1, ...frames.map(last));
  const part = value => Math.max(0, Math.min(1, (value - low) / (high - low)));
  const names = widest(frames.map(frame => frame.name)) + 4;
  const values = Math.max(50, widest(frames.map(frame => formatted(defaults.unit, last(frame)))) * 1.4);
  const colours = defaults.thresholds.steps.map(
    step => coloured(step.color) + ' ' + 100 * part(step.value ?? low) + '%');
  const stops = colours.length > 1 ? colours.join(', ') : colours[0] + ', ' + colours[0];
  frames.forEach(frame => {
    const line = element(bars, 'div'), share = part(last(frame));
    element(line, 'span', 'name', frame.name).style.width = names + 'px';
    const bar = element(element(line, 'div', 'track'), 'div', 'bar');
    // the gradient is the whole track's, and the bar as much of it as there is
    const background = `linear-gradient(90deg, ${stops}) 0 0 / ${share ? 100 / share : 100}% 100%`;
    Object.assign(bar.style, { width: 100 * share + '%', background });
    Object.assign(element(line, 'span', '', formatted(defaults.unit, last(frame))).style, {
      width: values + 'px', fontSize: '16px', color: reached(defaults, last(frame)),
    });
  });
}

function table(place, panel, frames) {
  const organized = (panel.transformations ?? []).filter(one => one.id === 'organize');
  const hidden = organized.map(one => one.options.excludeByName)[0] ?? {};
  const labels = new Set(frames.flatMap(frame => Object.keys(frame.labels)));
  const columns = [...labels].filter(column => !hidden[column]).sort();
  if (!hidden.Value) columns.push('Value');
  // one with more rows than there is room for scrolls, as in Grafana
  place.classList.add('scrolls');
  const made = element(place, 'table'), head = element(made, 'tr');
  columns.forEach(column => element(head, 'th', '', column));
  frames.forEach(frame => {
    const row = element(made, 'tr');
    columns.forEach(column => element(row, 'td', '', column === 'Value'
      ? formatted(panel.fieldConfig.defaults.unit, last(frame)) : frame.labels[column] ?? ''));
  });
}

function legend(box, items) {
  const made = element(box, 'div', 'legend');
  items.forEach(item => {
    const one = element(made, 'span'), mark = element(one, 'i');
    Object.assign(mark.style, { borderColor: item.colour, borderTopStyle: item.dash ? 'dashed' : 'solid' });
    one.append(item.name);
  });
}

/*
 * What each type of panel is drawn by; over time there is a legend, which takes its room first so that the plot knows
 * what is left.
 */
const AT_ONCE = { stat, bargauge, table };
const OVER_TIME = { timeseries, 'state-timeline': stateTimeline };

function draw(box, one) {
  const panel = one.model, frames = framesOf(one);
  element(box, 'h2', '', one.title);
  element(box, 'p', 'about', panel.description);
  const body = element(box, 'div', 'body');
  if (frames.length === 0) element(body, 'div', 'nothing', panel.fieldConfig.defaults.noValue ?? 'No data');
  else if (AT_ONCE[panel.type]) AT_ONCE[panel.type](body, panel, frames);
  else if (OVER_TIME[panel.type]) {
    if (panel.options.legend.showLegend) legend(box, panel.type === 'timeseries' ? frames : statesOf(panel, frames));
    OVER_TIME[panel.type](body, data, panel, frames);
  } else throw new Error('panels of type ' + panel.type + ' are not known');
}

function header() {
  const { title, templating } = data.model;
  document.title = title + ': a preview, not Grafana';
  document.querySelector('h1').textContent = 'KTRDR / ' + title;
  const chosen = document.querySelector('.chosen');
  templating.list.forEach(
    one => element(chosen, 'span', '', one.label + ': All (' + data.values[one.name].length + ')'));
  data.annotations.forEach(one => {
    const mark = element(element(chosen, 'span'), 'i');
    mark.style.borderColor = coloured(one.color);
    mark.parentElement.append(one.name + ': ' + one.times.length);
  });
  const day = new Date(data.from * 1000).toISOString().slice(0, 10);
  element(chosen, 'span', '', day + ' ' + clock(data.from) + ' to ' + clock(data.to));
}

header();
const main = document.querySelector('main');
const column = (main.getBoundingClientRect().width + GAP) / 24;
data.panels.forEach(one => {
  const { x, w, h } = one.model.gridPos, row = one.model.type === 'row';
  const box = element(main, 'section', row ? 'row' : 'panel', row ? one.title : undefined);
  Object.assign(box.style, { top: one.y * (UNIT + GAP) + 'px', height: h * (UNIT + GAP) - GAP + 'px' });
  main.style.height = Math.max(parseFloat(main.style.height || 0), (one.y + h) * (UNIT + GAP) - GAP) + 'px';
  if (row) return;
  Object.assign(box.style, { left: x * column + 'px', width: w * column - GAP + 'px' });
  draw(box, one);
});
