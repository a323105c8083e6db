// Picking places in the picture: points one by one, or a box by dragging.
import type { Json, Parameter } from "../api";
import type { Tool } from "../core/view";

/** Return the tool that writes a parameter's places; points count from the middle of the top-left pixel. */
export function placeTool(parameter: Parameter, now: Json | undefined, onValue: (value: Json) => void): Tool {
  return parameter.name === "box" || parameter.kind === "boxes" ? boxTool(parameter, now, onValue) : pointTool(parameter, now, onValue);
}

const round = (value: number) => Math.round(value * 2) / 2;

function pointTool(parameter: Parameter, now: Json | undefined, onValue: (value: Json) => void): Tool {
  const one = parameter.name === "center" || parameter.name === "at";
  const most = parameter.name === "corners" ? 4 : 200;
  const points = (Array.isArray(now) ? (one ? [now] : now) : []).map((row) => [...(row as number[])]);
  let held = -1;
  const write = () => onValue(one ? (points[0] as Json) : (points.map((point) => [...point]) as Json));
  return {
    cursor: "crosshair",
    down(x, y) {
      const place = [round(x - 0.5), round(y - 0.5)];
      const reach = 12;
      held = points.findIndex((point) => Math.hypot(point[0]! - place[0]!, point[1]! - place[1]!) < reach);
      if (held < 0) {
        if (one) points.length = 0;
        if (points.length >= most) points.length = 0;
        held = points.push(place) - 1;
      }
      write();
    },
    move(x, y) {
      if (held < 0) return;
      points[held] = [round(x - 0.5), round(y - 0.5)];
      write();
    },
    up() {
      held = -1;
    },
    draw(context, place) {
      points.forEach((point, i) => {
        const [x, y] = place(point[0]! + 0.5, point[1]! + 0.5);
        context.beginPath();
        context.arc(x, y, 6, 0, 2 * Math.PI);
        context.fillStyle = "#d55e00";
        context.fill();
        context.strokeStyle = "#fff";
        context.lineWidth = 2;
        context.stroke();
        context.fillStyle = "#fff";
        context.font = "600 9px system-ui";
        context.textAlign = "center";
        context.textBaseline = "middle";
        context.fillText(String(i + 1), x, y);
      });
    },
  };
}

function boxTool(parameter: Parameter, now: Json | undefined, onValue: (value: Json) => void): Tool {
  const many = parameter.kind === "boxes";
  let box = (many ? (now as Json[] | undefined)?.[0] : now) as number[] | undefined;
  let from: [number, number] | null = null;
  const write = (x: number, y: number) => {
    if (!from) return;
    box = [Math.min(from[0], x), Math.min(from[1], y), Math.max(from[0], x), Math.max(from[1], y)].map((value) => Math.round(value));
    if (box[2]! - box[0]! > 1 && box[3]! - box[1]! > 1) onValue(many ? [box] : box);
  };
  return {
    cursor: "crosshair",
    down: (x, y) => { from = [x, y]; },
    move: write,
    up: (x, y) => { write(x, y); from = null; },
    draw(context, place) {
      if (!Array.isArray(box) || box.length < 4) return;
      const [x1, y1] = place(box[0]!, box[1]!);
      const [x2, y2] = place(box[2]!, box[3]!);
      context.strokeStyle = "#fff";
      context.lineWidth = 4;
      context.strokeRect(x1, y1, x2 - x1, y2 - y1);
      context.strokeStyle = "#d55e00";
      context.lineWidth = 2;
      context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    },
  };
}
