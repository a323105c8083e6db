// The controls of a method: its pictures first, then its options, with a way back to the defaults.
import { useState } from "preact/hooks";
import type { Json, MethodDetail, Parameter } from "../api";
import type { FrameSource } from "../frames";
import { Picker } from "../parts/picker";
import { Control } from "./control";
import { isPicture, isShown, shapeOf } from "./guess";

export interface Setting {
  method: string;
  inputs: Record<string, string>;
  parameters: Record<string, Json>;
}

export interface ControlsProps {
  detail: MethodDetail;
  setting: Setting;
  onSetting: (setting: Setting) => void;
  onFrames?: ((source: FrameSource) => void) | undefined;
  onPaint?: ((name: string) => void) | undefined;
  onPick?: ((parameter: Parameter) => void) | undefined;
  picking?: string | null;
  /** Leaves out the picture that everything starts from: a later step of a chain has none of its own. */
  withoutFirst?: boolean;
  wrong?: string;
}

const PLACES = new Set(["points", "boxes"]);
const PLACE_NAMES = new Set(["box", "seeds", "corners", "at", "center"]);

/** Whether a parameter is a place in the picture that can be clicked. */
export function isPlace(parameter: Parameter): boolean {
  return PLACES.has(parameter.kind) || PLACE_NAMES.has(parameter.name);
}

export function Controls(props: ControlsProps) {
  const { detail, setting, onSetting, withoutFirst = false } = props;
  const [all, setAll] = useState(false);
  const first = detail.parameters[0];
  const rest = detail.parameters.filter((parameter, i) => isShown(parameter) && (i > 0 || !isPicture(parameter)));
  const many = rest.length > 9;
  const shown = many && !all ? rest.slice(0, 8) : rest;
  const setParameter = (name: string, value: Json | undefined) => {
    const parameters = { ...setting.parameters };
    if (value === undefined) delete parameters[name];
    else parameters[name] = value;
    onSetting({ ...setting, parameters });
  };
  const setInput = (name: string, ref: string | null) => {
    const inputs = { ...setting.inputs };
    if (ref === null) delete inputs[name];
    else inputs[name] = ref;
    onSetting({ ...setting, inputs });
  };
  const picker = (parameter: Parameter, isFirst: boolean) => {
    const canPaint = props.onPaint && !isFirst && (parameter.kind === "mask" || parameter.name === "mask");
    const none = isFirst ? {} : { none: parameter.required ? "example" : "none" };
    return (
      <Picker
        key={parameter.name} label={parameter.name} value={setting.inputs[parameter.name] ?? null} onValue={(ref) => setInput(parameter.name, ref)} {...none}
        several={parameter.kind === "images"} {...(isFirst && props.onFrames && parameter.kind !== "images" ? { onFrames: props.onFrames } : {})} {...(canPaint ? { onPaint: () => props.onPaint!(parameter.name) } : {})}
      />
    );
  };
  return (
    <div class="controls">
      {first && isPicture(first) && !withoutFirst && picker(first, true)}
      {shown.map((parameter) => (
        <div key={parameter.name} class={props.wrong === parameter.name ? "is-wrong" : ""}>
          {shapeOf(parameter, detail.example[parameter.name]) === "picture" ? picker(parameter, false) : (
            <Control
              parameter={parameter} value={setting.parameters[parameter.name]} example={detail.example[parameter.name]}
              onValue={(value) => setParameter(parameter.name, value)}
              onPick={props.onPick && isPlace(parameter) ? () => props.onPick!(parameter) : undefined} picking={props.picking === parameter.name}
            />
          )}
        </div>
      ))}
      <div class="row wrap">
        {many && <button type="button" class="small" aria-expanded={all} onClick={() => setAll(!all)}>{all ? "Fewer options" : `${rest.length - 8} more options`}</button>}
        {Object.keys(setting.parameters).length > 0 && <button type="button" class="small" onClick={() => onSetting({ ...setting, parameters: {} })}>Back to the defaults</button>}
      </div>
    </div>
  );
}
