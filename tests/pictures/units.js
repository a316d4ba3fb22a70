'use strict';
/* Values with their units, as Grafana writes them (packages/grafana-data, valueFormats). */

/* Names of steps of a unit, each so many of the one before it. */
const steps = (factor, names, from = 0) => names.map((name, i) => [factor ** (i + from), name]);
const durations = [
  [1e-6, 'µs'], [1e-3, 'ms'], [1, 's'], [60, 'min'], [3600, 'hour'], [86400, 'day'], [604800, 'week'],
  [31536000, 'year'],
];
const UNITS = {
  short: steps(1000, ['', ' K', ' Mil', ' Bil']),
  percentunit: [[0.01, '%']],
  s: durations.map(([size, name]) => [size, ' ' + name]),
  ms: durations.map(([size, name]) => [size * 1000, ' ' + name]),
  bytes: steps(1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']),
  Bps: steps(1000, [' B/s', ' kB/s', ' MB/s', ' GB/s']),
  reqps: steps(1000, [' req/s', ' K req/s']),
};

/* The largest step of a unit that a value reaches; of zero the one that is the unit itself. */
function stepOf(unit, value) {
  const known = UNITS[unit];
  if (!known) throw new Error('the unit ' + unit + ' is not known');
  const size = Math.abs(value);
  if (size === 0) return known.find(([factor]) => factor === 1) ?? known.find(([, name]) => name === ' s') ?? known[0];
  return known.reduce((found, step) => size >= step[0] ? step : found, known[0]);
}

/* How many decimals tell a value: three digits in all, and none of a whole number. */
const decimalsOf = value => value % 1 === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));

function formatted(unit, value) {
  const [size, name] = stepOf(unit, value);
  return written(value / size, decimalsOf(value / size), name);
}

/* An axis' values: as many decimals as its steps need. */
function formattedTicks(unit, values) {
  const gap = values.length > 1 ? Math.abs(values[1] - values[0]) : 0;
  return values.map(value => {
    const [size, name] = stepOf(unit, value);
    let decimals = 0;
    const exact = () => gap / size * 10 ** decimals;
    while (decimals < 6 && gap && Math.abs(exact() - Math.round(exact())) > 1e-6) decimals++;
    return written(value / size, Math.min(decimals, 3), name);
  });
}

function written(value, decimals, name) {
  const number = value.toFixed(decimals).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
  const counted = [' day', ' week', ' hour', ' year'].includes(name);
  return number + (counted ? name + (number === '1' ? '' : 's') : name);
}
