// The state of a method's page in its address: pictures, options, the step, the setting to compare with.
import type { Json, MethodDetail, Parameter } from "../api";
import { isPicture } from "../controls/guess";
import type { Setting } from "../controls/controls";

/** Read a setting from an address; `prefix` is "b." for the second one. */
export function readSetting(detail: MethodDetail, query: URLSearchParams, prefix = ""): Setting {
  const setting: Setting = { method: `${detail.field}.${detail.name}`, inputs: {}, parameters: {} };
  for (const parameter of detail.parameters) {
    const word = query.get(prefix + parameter.name);
    if (word === null) continue;
    if (isPicture(parameter)) setting.inputs[parameter.name] = word;
    else setting.parameters[parameter.name] = readValue(parameter, word);
  }
  return setting;
}

function readValue(parameter: Parameter, word: string): Json {
  if (parameter.kind === "text" || parameter.kind === "choice") return word;
  try {
    return JSON.parse(word) as Json;
  } catch {
    return word;
  }
}

export function writeSetting(setting: Setting, query: URLSearchParams, prefix = ""): void {
  for (const [name, ref] of Object.entries(setting.inputs)) query.set(prefix + name, ref);
  for (const [name, value] of Object.entries(setting.parameters)) {
    query.set(prefix + name, typeof value === "string" ? value : JSON.stringify(value));
  }
}

/** The options that fit another method, too: same name, and a kind that can hold them. */
export function carriedOver(setting: Setting, to: MethodDetail): Setting {
  const known = new Map(to.parameters.map((parameter) => [parameter.name, parameter]));
  const firstInput = Object.values(setting.inputs)[0];
  const first = to.parameters[0];
  const parameters = Object.fromEntries(
    Object.entries(setting.parameters).filter(([name, value]) => {
      const parameter = known.get(name);
      if (!parameter || isPicture(parameter)) return false;
      if (parameter.choices) return parameter.choices.includes(String(value));
      return typeof value === "number" ? parameter.kind === "int" || parameter.kind === "float" : false;
    }),
  );
  const inputs: Record<string, string> = first && isPicture(first) && firstInput ? { [first.name]: firstInput } : {};
  return { method: `${to.field}.${to.name}`, inputs, parameters };
}

/** The call in one line of Python. */
export function callLine(detail: MethodDetail, setting: Setting): string {
  const first = detail.parameters[0];
  const words = first && isPicture(first) ? [first.name] : [];
  for (const parameter of detail.parameters) {
    const value = setting.parameters[parameter.name] ?? (parameter.required ? detail.example[parameter.name] : undefined);
    if (parameter === first && words.length) continue;
    if (isPicture(parameter)) {
      if (setting.inputs[parameter.name] || parameter.required) words.push(parameter.required ? parameter.name : `${parameter.name}=${parameter.name}`);
    } else if (value !== undefined) words.push(`${parameter.name}=${python(value)}`);
  }
  return `${detail.path.replace(/^sightline\./, "sl.")}(${words.join(", ")})`;
}

export function python(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return value.length > 40 ? "…" : `[${value.map(python).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
