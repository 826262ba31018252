// Draws the charts of a page. Every number is in the page's tables as well; what a chart needs stands
// as JSON in the page. Names are drawn as text and never become HTML.
'use strict';
(() => {
  const page = document.getElementById('data');
  const data = JSON.parse(page.textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const PALETTE = {
    light: ['#3b6fb6', '#d98324', '#4f9d69', '#b5495b', '#7a5ea8', '#2a9d9b', '#c2a12b', '#8c5a3c', '#5e8fd6', '#d16ba5', '#6b7f2a', '#a3562f'],
    dark: ['#6f9fe0', '#eba555', '#76c08f', '#df7b8b', '#a78dd6', '#5cc4c1', '#dfc25a', '#bb8a6a', '#9cc0f2', '#e79bc8', '#a1b65c', '#d08a63'],
  };
  // What is nobody's, and what is no service, has the same colour everywhere.
  const RESERVED = {
    light: {free: '#b9c0ca', Others: '#8d96a3', unlabeled: '#e0564a', unattributed: '#ef9a90', unassigned: '#dba39c', _unused_ri: '#6f7885', _unused_sp: '#555d69', held: '#3b6fb6', used: '#3b6fb6', unallocated: '#b9c0ca', unused: '#b9c0ca', EC2: '#d98324', ec2: '#d98324', Kubernetes: '#3b6fb6', kubernetes: '#3b6fb6'},
    dark: {free: '#5b6472', Others: '#78818e', unlabeled: '#f0766b', unattributed: '#a85850', unassigned: '#94605b', _unused_ri: '#949dab', _unused_sp: '#aab2be', held: '#6f9fe0', used: '#6f9fe0', unallocated: '#5b6472', unused: '#5b6472', EC2: '#e0a15a', ec2: '#e0a15a', Kubernetes: '#6f9fe0', kubernetes: '#6f9fe0'},
  };
  const FONT = '"Noto Sans", "DejaVu Sans", "Segoe UI", Arial, sans-serif';
  let printing = false;

  const style = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const theme = () => (dark.matches && !printing ? 'dark' : 'light');
  const minus = text => text.replace('-', '\u2212');
  const short = value => {
    const size = Math.abs(value);
    const [by, unit] = size >= 999950 ? [1e6, 'M'] : size >= 999.5 ? [1e3, 'k'] : [1, ''];
    const digits = unit || (size > 0 && size < 10) ? 1 : 0;
    const text = (size / by).toFixed(digits).replace(/\.0$/, '');
    return (value < 0 ? '\u2212' : '') + page.dataset.sign + text + unit;
  };
  const money = value => (value < 0 ? '\u2212' : '') + page.dataset.sign + Math.abs(value).toLocaleString('en-US', {minimumFractionDigits: 2, maximumFractionDigits: 2});
  const share = value => minus((100 * value).toFixed(1)) + ' %';
  const shortShare = value => minus((100 * value).toFixed(0)) + ' %';
  const isDay = text => /^\d{4}-\d\d-\d\d$/.test(text);
  const day = (text, options) => new Date(text + 'T00:00:00Z').toLocaleDateString('en-GB', {timeZone: 'UTC', ...options});
  const MOST_DAYS = 100;
  const isWeekend = text => [0, 6].includes(new Date(text + 'T00:00:00Z').getUTCDay());
  const cut = (text, length) => (text.length > length ? text.slice(0, length - 1) + '\u2026' : text);

  // A name keeps its colour from chart to chart, unless another one of the chart has it already.
  function colours(names) {
    const palette = PALETTE[theme()], reserved = RESERVED[theme()], taken = new Set();
    return names.map(name => {
      if (Object.hasOwn(reserved, name)) return reserved[name];
      let place = [...name].reduce((sum, one) => (sum * 31 + one.codePointAt(0)) >>> 0, 7) % palette.length;
      for (let tries = 0; taken.has(place) && tries < palette.length; tries++) place = (place + 1) % palette.length;
      taken.add(place);
      return palette[place];
    });
  }

  function base() {
    return {
      animation: false, backgroundColor: 'transparent',
      textStyle: {fontFamily: FONT, fontSize: 12, color: style('ink')},
      tooltip: {
        renderMode: 'richText', confine: true, backgroundColor: style('card'), borderColor: style('line'),
        textStyle: {color: style('ink'), fontFamily: FONT, fontSize: 12},
      },
    };
  }
  const axisStyle = () => ({
    axisLabel: {color: style('soft'), hideOverlap: true}, axisLine: {lineStyle: {color: style('line')}}, axisTick: {show: false},
    splitLine: {lineStyle: {color: style('grid')}},
  });
  const legend = () => ({
    type: 'scroll', bottom: 0, left: 0, right: 0, icon: 'rect', itemWidth: 10, itemHeight: 10, textStyle: {color: style('ink')},
    pageTextStyle: {color: style('soft')}, pageIconColor: style('accent'), pageIconInactiveColor: style('line'), formatter: name => cut(name, 28),
  });
  function weekends(xs) {
    // Of a year they would be stripes.
    if (!xs.length || xs.length > MOST_DAYS || !xs.every(isDay)) return undefined;
    return {silent: true, itemStyle: {color: style('weekend')}, data: xs.slice(1).flatMap((x, at) => (isWeekend(x) && isWeekend(xs[at]) ? [[{xAxis: xs[at]}, {xAxis: x}]] : []))};
  }
  function listed(title, rows, format) {
    const shown = rows.slice(0, 14);
    const lines = shown.map(row => `${cut(row.name, 36)}   ${format(row.value)}`);
    if (rows.length > shown.length) lines.push(`and ${rows.length - shown.length} more`);
    return [title, ...lines].join('\n');
  }

  // One series needs it, too, where nothing else says what it is.
  const hasLegend = chart => chart.has_names || chart.series.length > 1;
  function overTime(chart) {
    const isStacked = chart.kind === 'stacked', format = chart.is_share ? share : money;
    const colour = colours(chart.series.map(one => one.name)), area = weekends(chart.x);
    const years = new Set(chart.x.filter(isDay).map(x => x.slice(0, 4)));
    const onAxis = x => day(x, years.size > 1 ? {day: 'numeric', month: 'short', year: '2-digit'} : {weekday: 'short', day: 'numeric', month: 'short'});
    // Days are labelled by their Mondays, in a year by what fits.
    const isByWeek = chart.x.length > 10 && chart.x.length <= MOST_DAYS && chart.x.every(isDay);
    return {
      ...base(),
      tooltip: {
        ...base().tooltip, trigger: 'axis', axisPointer: {type: isStacked ? 'shadow' : 'line'},
        formatter: points => {
          const x = chart.x[points[0].dataIndex];
          const rows = points.filter(point => point.value != null && point.value !== 0).map(point => ({name: chart.series[point.seriesIndex].name, value: point.value}));
          rows.sort((a, b) => b.value - a.value);
          const title = isDay(x) ? day(x, {weekday: 'short', day: 'numeric', month: 'short', year: 'numeric'}) : x;
          const total = rows.reduce((sum, row) => sum + row.value, 0);
          return listed(isStacked && chart.series.length > 1 ? `${title}   ${format(total)}` : title, rows, format);
        },
      },
      legend: hasLegend(chart) ? legend() : {show: false},
      grid: {left: 4, right: 12, top: 12, bottom: hasLegend(chart) ? 36 : 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel'},
      xAxis: {
        type: 'category', data: chart.x, ...axisStyle(), axisTick: {show: false, interval: 0}, splitLine: {show: false},
        axisLabel: {...axisStyle().axisLabel, interval: isByWeek ? at => new Date(chart.x[at] + 'T00:00:00Z').getUTCDay() === 1 : 'auto', showMaxLabel: isDay(chart.x[0] || '') ? undefined : true, alignMaxLabel: 'right', formatter: x => (isDay(x) ? onAxis(x) : cut(x, 24))},
      },
      yAxis: {type: 'value', ...axisStyle(), axisLabel: {...axisStyle().axisLabel, formatter: chart.is_share ? shortShare : short}},
      series: chart.series.map((one, place) => ({
        name: one.name, itemStyle: {color: colour[place]}, markArea: place === 0 && !isStacked ? area : undefined,
        // Of a weekend bars are paler.
        data: isStacked && area ? one.values.map((value, at) => (isWeekend(chart.x[at]) ? {value, itemStyle: {opacity: 0.55}} : value)) : one.values,
        ...(isStacked ? {type: 'bar', stack: 'all', barCategoryGap: chart.x.length > MOST_DAYS ? 0 : '18%'} : {type: 'line', symbol: chart.x.length > 1 ? 'none' : 'circle', lineStyle: {width: 2}}),
      })),
    };
  }

  // Side by side, or what adds up as one bar.
  function bars(chart) {
    const isGrouped = chart.kind === 'grouped';
    const format = chart.is_share ? share : money, tick = chart.is_share ? shortShare : short, narrow = innerWidth < 640;
    const colour = colours(chart.series.map(one => one.name));
    return {
      ...base(),
      tooltip: {
        ...base().tooltip, trigger: 'axis', axisPointer: {type: 'shadow'},
        formatter: points => listed(chart.x[points[0].dataIndex], points.filter(point => point.value != null).map(point => ({name: chart.series[point.seriesIndex].name, value: point.value})), format),
      },
      legend: hasLegend(chart) ? legend() : {show: false},
      grid: {left: 4, right: 56, top: 4, bottom: hasLegend(chart) ? 36 : 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel'},
      yAxis: {type: 'category', inverse: true, data: chart.x, ...axisStyle(), axisLabel: {...axisStyle().axisLabel, color: style('ink'), interval: 0, formatter: x => cut(x, narrow ? 20 : 34)}, splitLine: {show: false}},
      xAxis: {type: 'value', ...axisStyle(), axisLabel: {...axisStyle().axisLabel, formatter: tick}},
      series: chart.series.map((one, place) => ({
        name: one.name, type: 'bar', stack: isGrouped ? undefined : 'all', barMaxWidth: isGrouped ? 12 : 22, barGap: '10%', data: one.values, itemStyle: {color: colour[place]},
        label: isGrouped || chart.series.length === 1 ? {show: true, position: 'right', color: style('ink'), formatter: point => tick(point.value)} : undefined,
      })),
    };
  }

  function waterfall(chart) {
    const colour = step => (step.is_total ? style('total') : step.amount >= 0 ? style('up') : style('down'));
    return {
      ...base(),
      tooltip: {...base().tooltip, trigger: 'item', formatter: point => `${chart.steps[point.dataIndex].name}\n${money(chart.steps[point.dataIndex].amount)}`},
      grid: {left: 4, right: 64, top: 4, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel'},
      yAxis: {type: 'category', inverse: true, data: chart.steps.map(step => step.name), ...axisStyle(), axisLabel: {...axisStyle().axisLabel, color: style('ink'), interval: 0, formatter: x => cut(x, innerWidth < 640 ? 20 : 38)}, splitLine: {show: false}},
      xAxis: {type: 'value', scale: false, ...axisStyle(), axisLabel: {...axisStyle().axisLabel, formatter: short}},
      series: [{
        type: 'custom', data: chart.steps.map((step, place) => [step.start, step.end, place]), encode: {x: [0, 1], y: 2},
        renderItem: (params, api) => {
          const step = chart.steps[params.dataIndex];
          const from = api.coord([step.start, params.dataIndex]), to = api.coord([step.end, params.dataIndex]);
          const height = Math.min(20, api.size([0, 1])[1] * 0.66), left = Math.min(from[0], to[0]);
          const width = Math.max(Math.abs(from[0] - to[0]), 1);
          return {type: 'group', children: [
            {type: 'rect', shape: {x: left, y: from[1] - height / 2, width, height}, style: {fill: colour(step)}},
            {type: 'text', style: {x: left + width + 6, y: from[1], text: short(step.amount), fill: style('ink'), verticalAlign: 'middle', font: `12px ${FONT}`}},
          ]};
        },
      }],
    };
  }

  function treemap(chart) {
    const outer = colours(chart.tree.map(node => node.name));
    const node = (one, depth, colour) => ({
      name: one.name, value: one.value, link: one.link, itemStyle: {color: depth === 2 ? mixed(colour, style('card'), 0.4) : colour, borderColor: style(depth === 0 ? 'grid' : 'card')},
      children: one.children.length ? one.children.map(child => node(child, depth + 1, colour)) : undefined,
    });
    const mixed = (from, to, part) => '#' + [1, 3, 5].map(at => Math.round(parseInt(from.slice(at, at + 2), 16) * part + parseInt(to.slice(at, at + 2), 16) * (1 - part)).toString(16).padStart(2, '0')).join('');
    const text = point => `${point.name}  ${short(point.value)}`;
    return {
      ...base(),
      tooltip: {...base().tooltip, formatter: point => `${(point.treePathInfo || []).slice(1).map(one => one.name).join(' / ')}\n${money(point.value)}`},
      series: [{
        type: 'treemap', animation: false, animationDurationUpdate: 0, roam: false, nodeClick: false, breadcrumb: {show: false}, left: 0, right: 0, top: 0, bottom: 0,
        data: chart.tree.map((one, place) => node(one, 0, outer[place])).filter(one => !chart.within || one.name === chart.within),
        label: {color: style('ink'), lineHeight: 16, position: [6, 5], formatter: point => `${point.name}\n${short(point.value)}`, overflow: 'truncate'},
        upperLabel: {show: true, height: 22, color: style('ink'), formatter: text, overflow: 'truncate'},
        levels: [
          {itemStyle: {gapWidth: 4, borderWidth: 0, color: style('card'), borderColor: style('card')}, colorAlpha: null, upperLabel: {show: false}},
          {itemStyle: {gapWidth: 2, borderWidth: 3, borderColor: style('grid')}, upperLabel: {fontWeight: 600}},
          {itemStyle: {gapWidth: 1, borderWidth: 2, borderColor: style('card')}},
          {itemStyle: {gapWidth: 1}},
        ],
      }],
    };
  }

  const KINDS = {stacked: overTime, lines: overTime, bars, grouped: bars, waterfall, treemap};
  const shown = [];
  function options(chart) { return KINDS[chart.kind](chart); }
  function rows(chart) {
    if (chart.kind === 'waterfall') return chart.steps.length;
    return chart.kind === 'bars' ? chart.x.length : chart.kind === 'grouped' ? chart.x.length * chart.series.length * 0.7 : 0;
  }

  function draw({place, chart}) {
    const drawing = echarts.init(place, null, {renderer: 'svg'});
    drawing.setOption(options(chart));
    drawing.on('click', point => {
      const link = chart.kind === 'treemap' ? point.data && point.data.link : chart.links && chart.links[point.dataIndex];
      if (link) location.href = link;
      else if (chart.kind === 'treemap' && point.treePathInfo && point.treePathInfo.length === 2) {
        // The outermost alone, and with the next click all of them.
        chart.within = chart.within ? null : point.name;
        redraw();
      }
    });
    shown.push({drawing, chart, place});
  }
  function frame() {
    // Without it what does not fit on paper is cut off.
    for (const {place} of shown) {
      const svg = place.querySelector('svg');
      if (svg) svg.setAttribute('viewBox', `0 0 ${svg.getAttribute('width')} ${svg.getAttribute('height')}`);
    }
  }
  function redraw() {
    for (const {drawing, chart} of shown) {
      drawing.resize();
      drawing.setOption(options(chart), true);
    }
    frame();
  }
  let waiting;
  addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(() => printing || redraw(), 100); });
  dark.addEventListener('change', redraw);
  addEventListener('beforeprint', () => {
    printing = true;
    drawAll();
    for (const details of document.querySelectorAll('section.figure > details:not(.sql)')) {
      if (!details.open) { details.open = true; details.dataset.printed = '1'; }
    }
    redraw();
  });
  addEventListener('afterprint', () => {
    printing = false;
    for (const details of document.querySelectorAll('[data-printed]')) { details.open = false; delete details.dataset.printed; }
    redraw();
  });
  // A link to a chart opens its table: it leads there for the numbers.
  function openTarget() {
    const heading = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = heading && heading.closest('section.figure')?.querySelector('details:not(.sql)');
    if (details) details.open = true;
    if (heading) heading.scrollIntoView();
  }
  addEventListener('hashchange', openTarget);

  const found = [...document.querySelectorAll('[data-chart]')].map(place => ({place, chart: data[place.dataset.chart]})).filter(one => one.chart);
  for (const {place, chart} of found) {
    if (rows(chart)) place.style.height = `${Math.max(130, 60 + rows(chart) * 28)}px`;
  }
  // What is further down is drawn once the first view is on the screen, or to be printed.
  const later = found.filter(({place}) => place.getBoundingClientRect().top > innerHeight);
  function drawAll() {
    later.splice(0).forEach(draw);
    frame();
    document.body.dataset.ready = '1';
  }
  found.filter(one => !later.includes(one)).forEach(draw);
  openTarget();
  document.body.dataset.viewed = '1';
  requestAnimationFrame(() => setTimeout(drawAll));
})();
