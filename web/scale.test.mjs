// A list that is longer than a page may be high: whatever one does, each row can be reached, and the scroll bar tells the truth.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import ts from 'typescript';

const source = readFileSync(new URL('src/console/scale.ts', import.meta.url), 'utf8');
const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
const { Scale } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);

const height = 400;
const size = 1_000_000;
const rowHeight = 40;
const shown = height / rowHeight;
const make = (most = 10_000) => new Scale(rowHeight, most);
const end = (scale) => scale.slots(size) * rowHeight - height;

test('a list that fits has a slot for each row', () => {
  const scale = make();
  for (const top of [0, 399_600, 12]) {
    scale.scrolled(top, height, 10_000);
    assert.equal(scale.base, 0);
    assert.equal(scale.settle(top, height, 10_000), undefined);
  }
  assert.equal(scale.place(5_000, height, 10_000), 200_000);
});

test('a leap goes to its share of the list, up to both ends', () => {
  const scale = make();
  for (const share of [0.5, 1, 0.25, 0]) {
    const top = share * end(scale);
    scale.scrolled(top, height, size);
    assert.ok(Math.abs(scale.rowAt(top) - share * (size - shown)) < 1, `${scale.rowAt(top)} at ${share}`);
  }
});

test('a small movement scrolls by its pixels', () => {
  const scale = make();
  let top = 0.5 * end(scale);
  scale.scrolled(top, height, size);
  const from = scale.rowAt(top);
  for (let turn = 0; turn < 100; turn += 1) scale.scrolled((top += 100), height, size);
  assert.ok(Math.abs(scale.rowAt(top) - from - 250) < 1e-6);
});

test('at rest the scroll bar is set right and the rows in sight stay', () => {
  const scale = make();
  let top = 0.5 * end(scale);
  scale.scrolled(top, height, size);
  for (let turn = 0; turn < 100; turn += 1) scale.scrolled((top += 301), height, size);
  const row = scale.rowAt(top);
  const set = scale.settle(top, height, size);
  scale.scrolled(set, height, size);
  assert.ok(Math.abs(scale.rowAt(set) - row) < 1e-6, 'the rows stay');
  assert.ok(Math.abs(set / end(scale) - row / (size - shown)) < 0.002, 'the scroll bar is right');
  assert.equal(scale.settle(set, height, size), undefined);
});

test('each row can be brought into sight', () => {
  const scale = make();
  for (let row = 0; row < size; row += 997) {
    const top = scale.place(row, height, size);
    scale.scrolled(top, height, size);
    const first = scale.rowAt(top);
    assert.ok(top >= 0 && top <= end(scale) + 1e-6, `${top}`);
    assert.ok(first <= row + 1e-6 && row + 1 <= first + shown + 1e-6, `${row} is not among those from ${first}`);
    assert.ok(scale.base >= 0 && scale.base + scale.slots(size) <= size);
  }
});

test('by small movements alone one comes to both ends', () => {
  const scale = make(200);
  for (const direction of [1, -1]) {
    let top = scale.place(direction > 0 ? size - 2_000 : 2_000, height, size);
    scale.scrolled(top, height, size);
    for (let turn = 0; turn < 1_000; turn += 1) {
      top = Math.min(Math.max(top + direction * 250, 0), end(scale));
      scale.scrolled(top, height, size);
      top = scale.settle(top, height, size) ?? top;
      scale.scrolled(top, height, size);
    }
    assert.ok(Math.abs(scale.rowAt(top) - (direction > 0 ? size - shown : 0)) < 1, `${scale.rowAt(top)}`);
  }
});
