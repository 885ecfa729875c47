// A frame on a canvas, with its overlay and contours.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { elementColours, lookupTable } from "./colour";
import { compose, contour, enlarge, type Grid } from "./compose";
import type { Header } from "./format";
import type { View } from "./view";

const NOT_OUTLINED = new Set(["rest", "bricks"]);

export interface ScreenProps {
  header: Header;
  screen: Uint8Array;
  elements: Uint8Array | null;
  grid: Grid | null;
  frame: number;
  look: Pick<View, "opacity" | "map" | "sign" | "outlines">;
  label: string;
  /** Canvas pixels for each pixel of the screen. */
  zoom?: number;
}

export function Screen(props: ScreenProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [height, width] = props.header.screen;
  const zoom = props.zoom ?? 3;
  const { opacity, map, sign, outlines } = props.look;
  const table = useMemo(() => lookupTable(map), [map]);
  const small = useMemo(
    () => ({ surface: new OffscreenCanvas(width, height), image: new ImageData(width, height) }),
    [width, height],
  );
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const { surface, image } = small;
    const at = props.frame * width * height;
    const relevance = props.grid && opacity > 0 ? enlarge(props.grid, height, width) : null;
    const pixels = props.screen.subarray(at, at + width * height);
    compose(image.data, pixels, props.header.palette, relevance, { opacity, table, sign });
    surface.getContext("2d")!.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(surface, 0, 0, width * zoom, height * zoom);
    if (outlines && props.elements) drawContours(context, props, width * zoom, height * zoom);
  }, [props.screen, props.elements, props.grid, props.frame, opacity, table, sign, outlines, zoom]);
  return (
    <canvas
      ref={canvas}
      class="screen"
      width={width * zoom}
      height={height * zoom}
      role="img"
      aria-label={props.label}
    />
  );
}

function drawContours(
  context: CanvasRenderingContext2D,
  props: ScreenProps,
  width: number,
  height: number,
): void {
  const [rows, columns] = props.header.grid;
  const size = rows * columns;
  const numbers = props.elements!.subarray(props.frame * size, (props.frame + 1) * size);
  const colours = elementColours(props.header.elements);
  const [x, y] = [width / columns, height / rows];
  context.lineWidth = 1.5;
  props.header.elements.forEach((name, number) => {
    if (NOT_OUTLINED.has(name)) return;
    context.strokeStyle = colours[name]!;
    context.beginPath();
    for (const [x1, y1, x2, y2] of contour(numbers, rows, columns, number)) {
      context.moveTo(x1 * x, y1 * y);
      context.lineTo(x2 * x, y2 * y);
    }
    context.stroke();
  });
}
