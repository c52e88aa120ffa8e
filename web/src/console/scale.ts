/**
 * Where rows stand in a list that is longer than a page may be high: browsers cap heights at some millions of pixels, and a
 * journal may have a hundred times as many rows as that.
 *
 * So the list is drawn in slots. Up to `most` rows each has a slot of its own. Beyond that the slots are a stretch of the list
 * that begins at row `base`: small movements scroll through the stretch as through any list, a leap (a dragged scroll bar,
 * Home, End) goes to that share of the whole list, and at rest the scroll bar is brought back to the share that is shown.
 */
export class Scale {
  /** The row in the first slot; row 0 is the newest. */
  base = 0;
  #top = 0;
  #expected: number | undefined;

  constructor(
    readonly rowHeight: number,
    readonly most = 120_000,
  ) {}

  slots(size: number): number {
    return Math.min(size, this.most);
  }

  /** The row at so many pixels from the top; a fraction tells how much of it is above. */
  rowAt(top: number): number {
    return this.base + top / this.rowHeight;
  }

  /** The list has been scrolled to top, in a box of so many pixels. */
  scrolled(top: number, height: number, size: number): void {
    const leap = Math.abs(top - this.#top) > 1.5 * height;
    const expected = this.#expected !== undefined && Math.abs(this.#expected - top) < 2;
    this.#top = top;
    this.#expected = undefined;
    if (expected || !leap || size <= this.most) return this.clamp(size);
    const range = this.most * this.rowHeight - height;
    this.base = Math.round(Math.min(1, top / range) * (size - this.most));
  }

  /** Keeps the slots within the list, whose size may have changed. */
  clamp(size: number): void {
    this.base = Math.max(0, Math.min(this.base, size - this.slots(size)));
  }

  /** Moves the slots so that a row comes to the top of the box, or as near as the end of the list allows; returns where to scroll. */
  place(row: number, height: number, size: number): number {
    const wanted = Math.max(0, Math.min(row, size - height / this.rowHeight));
    if (size > this.most) {
      this.base = Math.floor(wanted) - Math.floor(this.#slotFor(wanted, height, size));
      this.clamp(size);
    }
    return this.expect((wanted - this.base) * this.rowHeight);
  }

  /** At rest: where to scroll, with the same rows in sight, so that the scroll bar tells the truth again; undefined if it does. */
  settle(top: number, height: number, size: number): number | undefined {
    if (size <= this.most) return undefined;
    const row = this.rowAt(top);
    const truth = this.#slotFor(row, height, size) * this.rowHeight;
    const stuck =
      (top < 1 && this.base > 0) || (top > this.most * this.rowHeight - height - 1 && this.base < size - this.most);
    return stuck || Math.abs(truth - top) >= height ? this.place(row, height, size) : undefined;
  }

  /** The slot that is as far down as the row is, but with room to scroll on to either end. */
  #slotFor(row: number, height: number, size: number): number {
    const shown = height / this.rowHeight;
    const last = this.most - shown;
    const room = Math.min(10 * shown, last / 4);
    const below = size - shown - row;
    return Math.min(Math.max((row / (size - shown)) * last, Math.min(row, room)), last - Math.min(below, room));
  }

  /** Takes note that the page itself scrolls to top: that is no leap. */
  expect(top: number): number {
    this.#expected = top;
    return top;
  }
}
