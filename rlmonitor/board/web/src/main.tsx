import { render as draw } from "preact";
import uplot from "uplot/dist/uPlot.min.css?inline";
import { App } from "./app";
import { embedded, server, type Source } from "./source";
import style from "./style.css?inline";

function start(source: Source): void {
  document.documentElement.lang = "en";
  document.title = "Strategies";
  const sheet = document.createElement("style");
  sheet.textContent = uplot + style;
  document.head.append(sheet);
  const place = document.createElement("div");
  document.body.append(place);
  draw(<App source={source} />, place);
}

/** Called by TensorBoard when the tab is opened. */
export function render(): void {
  start(server);
}

// The report carries its data with it.
const data = document.getElementById("rlmonitor-data");
if (data) start(embedded(JSON.parse(data.textContent ?? "null")));
