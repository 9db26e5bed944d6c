// The pictures. A page gives plain data in <script type="application/json"> inside an element with data-chart; the kind says how it is drawn.
// Only the parts of ECharts that are used here are in the bundle.
import * as echarts from 'echarts/core';
import { BarChart, LineChart, SankeyChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

echarts.use([BarChart, LineChart, SankeyChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const yuan = value => Number(value).toLocaleString('zh-CN', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const isChinese = document.documentElement.lang.startsWith('zh');
const unit = isChinese ? '元' : 'yuan';
const short = value => !isChinese ? value.toLocaleString('en', { notation: 'compact' }) : Math.abs(value) >= 1e8 ? `${value / 1e8}亿` : Math.abs(value) >= 1e4 ? `${value / 1e4}万` : `${value}`;
// By its name: a canvas that measures text does not know 'inherit', and names would be wider than they were measured.
const text = { fontFamily: getComputedStyle(document.body).fontFamily, color: '#1f2937', fontSize: 13 };

// The names above a picture take as many lines as they need, and the picture begins beneath them.
const names = (series, width) => {
  if (series.length < 2) return { top: 12 };
  const gap = width < 420 ? 10 : 28, long = name => 32 + [...name].reduce((sum, c) => sum + text.fontSize * (c > '\u2e80' ? 1 : .62), 0);
  let lines = 1, x = 0;
  for (const s of series) {
    const w = long(s.name);
    if (x > 0 && x + w > width - 20) { lines++; x = 0; }
    x += w + gap;
  }
  return { top: 12 + lines * (text.fontSize + 11), legend: { textStyle: text, top: 0, itemGap: gap } };
};

const options = {
  // { labels, stacked, horizontal, series: [{ name, color, values, line }] }: line draws that series as a line over the bars
  bar: (d, width) => {
    // On a telephone a name is broken into lines rather than cut off.
    const head = names(d.series, width), left = d.horizontal ? Math.min(190, width * .4) : 8, rows = { width: left - 14, ...(width < 480 ? { overflow: 'break', fontSize: 12, lineHeight: 14 } : { overflow: 'truncate' }) };
    const labels = { type: 'category', data: d.labels, axisLabel: { ...text, ...(d.horizontal ? rows : { hideOverlap: true }) }, inverse: !!d.horizontal, axisTick: { show: false } };
    const values = { type: 'value', splitNumber: width < 420 ? 3 : 5, axisLabel: { ...text, hideOverlap: true, formatter: d.unit === 'yuan' ? short : undefined } };
    return {
      tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, valueFormatter: d.unit === 'yuan' ? yuan : undefined },
      legend: head.legend,
      grid: { left, right: 28, top: head.top, bottom: d.horizontal ? 28 : 4, ...(d.horizontal ? { outerBoundsMode: 'none' } : { outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' }) },
      xAxis: d.horizontal ? values : labels,
      yAxis: d.horizontal ? labels : values,
      series: d.series.map(s => s.line
        ? { name: s.name, type: 'line', data: s.values, symbolSize: 7, lineStyle: { width: 3 }, itemStyle: { color: s.color }, z: 3 }
        : { name: s.name, type: 'bar', stack: d.stacked ? 'all' : undefined, data: s.values, itemStyle: { color: s.color }, barMaxWidth: 36 }),
    };
  },
  // { steps: [{ label, from, to, color }] }: what is there, and what came and went until what is there then
  waterfall: (d, width) => {
    const left = Math.min(190, width * .4), narrow = width < 480;
    return {
      tooltip: { trigger: 'item', formatter: p => `${d.steps[p.dataIndex].label}<br>${yuan(d.steps[p.dataIndex].amount)} ${unit}` },
      grid: { left, right: 28, top: 8, bottom: 28, outerBoundsMode: 'none' },
      xAxis: { type: 'value', splitNumber: narrow ? 3 : 5, axisLabel: { ...text, hideOverlap: true, formatter: short } },
      yAxis: { type: 'category', inverse: true, data: d.steps.map(s => s.label), axisTick: { show: false }, axisLabel: { ...text, width: left - 14, overflow: narrow ? 'break' : 'truncate', ...(narrow ? { fontSize: 12, lineHeight: 14 } : {}) } },
      series: [
        { type: 'bar', stack: 'all', silent: true, itemStyle: { color: 'transparent' }, data: d.steps.map(s => Math.min(s.from, s.to)) },
        { type: 'bar', stack: 'all', barMaxWidth: 30, data: d.steps.map(s => ({ value: Math.abs(s.to - s.from), itemStyle: { color: s.color } })) },
      ],
    };
  },
  line: (d, width) => ({
    tooltip: { trigger: 'axis', valueFormatter: yuan },
    legend: names(d.series, width).legend,
    grid: { left: 8, right: 24, top: names(d.series, width).top, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: { type: 'category', data: d.labels, axisLabel: { ...text, hideOverlap: true, interval: Math.ceil(d.labels.length / 12) - 1 } },
    yAxis: { type: 'value', axisLabel: { ...text, formatter: short } },
    series: d.series.map(s => ({ name: s.name, type: 'line', data: s.values, showSymbol: false, lineStyle: { width: 3 }, itemStyle: { color: s.color }, areaStyle: s.area ? { opacity: .15 } : undefined })),
  }),
  // { nodes: [{ name, label, color, link }], links: [{ source, target, value }] }: names are unique, labels are shown
  sankey: (d, width) => {
    // Each column has its share of the width, the last one's labels too: on a narrow window they are broken into lines.
    const column = width / columns(d).count, isNarrow = column < 150;
    return {
      tooltip: { formatter: p => p.dataType === 'edge' ? `${label(d, p.data.source)} → ${label(d, p.data.target)}<br>${yuan(p.data.value)} ${unit}` : `${p.data.label0}<br>${yuan(p.value)} ${unit}` },
      series: [{
        type: 'sankey', left: 4, right: column - 16, top: 8, bottom: 8, nodeGap: isNarrow ? 30 : 12, nodeWidth: 14, draggable: false, layoutIterations: 32,
        label: { ...text, fontSize: isNarrow ? 11 : text.fontSize, width: Math.min(220, column - 26), overflow: isNarrow ? 'break' : 'truncate', formatter: p => p.data.label0 },
        lineStyle: { color: 'source', opacity: .35 },
        data: d.nodes.map(n => ({ name: n.name, label0: n.label, link: n.link, itemStyle: n.color ? { color: n.color } : undefined })),
        links: d.links,
      }],
    };
  },
};

/** How many columns a flow has, and the most nodes in one of them. */
const columns = d => {
  const depth = new Map(d.nodes.map(n => [n.name, 0]));
  for (let i = 0; i < d.nodes.length; i++) for (const l of d.links) depth.set(l.target, Math.max(depth.get(l.target), depth.get(l.source) + 1));
  const count = Math.max(...depth.values()) + 1, at = new Array(count).fill(0);
  // What nothing comes from stands in the last column.
  for (const n of d.nodes) at[d.links.some(l => l.source === n.name) ? depth.get(n.name) : count - 1]++;
  return { count, most: Math.max(...at) };
};

const label = (d, name) => d.nodes.find(n => n.name === name).label;

window.drawChart = element => {
  const data = JSON.parse(element.querySelector('script[type="application/json"]').textContent);
  // Room for the labels of the fullest column, also where large print makes the rem larger.
  text.fontSize = Math.min(16, 13 * parseFloat(getComputedStyle(document.documentElement).fontSize) / 16);
  if (element.dataset.chart === 'sankey') {
    const { count, most } = columns(data), line = element.clientWidth / count < 150 ? 62 : 34;
    element.style.height = `${Math.max(element.clientHeight, most * line)}px`;
  }
  const chart = echarts.init(element.querySelector('.canvas'), null, { renderer: 'svg' });
  chart.setOption({ animation: false, textStyle: text, ...options[element.dataset.chart](data, element.clientWidth) });
  chart.on('click', p => { if (p.data && p.data.link) location.href = p.data.link; });
  // A sheet of paper is narrower than the window: there the picture is made smaller, not cut off.
  const fit = () => { element.querySelector('svg').setAttribute('viewBox', `0 0 ${chart.getWidth()} ${chart.getHeight()}`); };
  new ResizeObserver(() => { chart.resize(); fit(); }).observe(element);
  fit();
  element.dataset.drawn = 'true';
};
