// The LaTeX of our lessons and formulas as MathML, which browsers set by themselves. A small part of the language on purpose.

const SYMBOLS: Record<string, string> = {
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", varepsilon: "ε", zeta: "ζ", eta: "η", theta: "θ",
  kappa: "κ", lambda: "λ", mu: "μ", nu: "ν", xi: "ξ", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", phi: "φ", varphi: "φ",
  chi: "χ", psi: "ψ", omega: "ω", Gamma: "Γ", Delta: "Δ", Theta: "Θ", Lambda: "Λ", Sigma: "Σ", Phi: "Φ", Psi: "Ψ",
  Omega: "Ω", ell: "ℓ", infty: "∞", partial: "∂", nabla: "∇", ldots: "…", dots: "…", cdots: "⋯", vdots: "⋮",
  ddots: "⋱", hbar: "ħ", emptyset: "∅", prime: "′", Pi: "Π", circ: "∘", top: "⊤", degree: "°",
};
const OPERATORS: Record<string, string> = {
  cdot: "·", times: "×", div: "÷", pm: "±", mp: "∓", leq: "≤", le: "≤", geq: "≥", ge: "≥", neq: "≠", ne: "≠",
  approx: "≈", sim: "∼", equiv: "≡", to: "→", rightarrow: "→", Rightarrow: "⇒", leftarrow: "←", mapsto: "↦", in: "∈",
  notin: "∉", subset: "⊂", subseteq: "⊆", cup: "∪", cap: "∩", setminus: "∖", oplus: "⊕", ominus: "⊖", otimes: "⊗",
  bullet: "∙", ast: "∗", star: "⋆", mid: "|", vert: "|", Vert: "‖", lVert: "‖", rVert: "‖", lvert: "|", rvert: "|",
  langle: "⟨", rangle: "⟩", lfloor: "⌊", rfloor: "⌋", lceil: "⌈", rceil: "⌉", forall: "∀", exists: "∃", ll: "≪",
  gg: "≫", propto: "∝", land: "∧", lor: "∨", neg: "¬", iff: "⇔", colon: ":", "|": "‖", "{": "{", "}": "}", "%": "%",
  "#": "#", "&": "&", "_": "_", "$": "$",
};
const BIG: Record<string, string> = { sum: "∑", prod: "∏", int: "∫", iint: "∬", bigcup: "⋃", bigcap: "⋂" };
const LIMITS = new Set(["min", "max", "argmin", "argmax", "lim", "sup", "inf"]);
const FUNCTIONS = new Set(["exp", "log", "ln", "sin", "cos", "tan", "arctan", "det", "dim", "arg", "tr", "mod", "gcd", "sgn"]);
const ACCENTS: Record<string, string> = { hat: "^", bar: "¯", tilde: "~", vec: "→", dot: "˙", overline: "¯", widehat: "^", underline: "_" };
const SPACES: Record<string, string> = { ",": ".17em", ":": ".22em", ";": ".28em", quad: "1em", qquad: "2em", "!": "-.17em", " ": ".25em" };
const FONTS: Record<string, string> = { mathbf: "b", boldsymbol: "b", mathrm: "n", operatorname: "n", text: "t", textrm: "t", textbf: "t", mathit: "i", mathcal: "n", mathbb: "n", mathtt: "n", texttt: "t" };

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}

/** Return `<math>` for a formula; what is not known is shown as it is written. */
export function mathml(latex: string, block = false): string {
  const reader = new Reader(latex.trim());
  const body = reader.row("");
  return `<math display="${block ? "block" : "inline"}"><mrow>${body}</mrow></math>`;
}

class Reader {
  private at = 0;
  private readonly tokens: string[];
  constructor(latex: string) {
    this.tokens = latex.match(/\\[a-zA-Z]+|\\[\s\S]|[0-9]+(?:\.[0-9]+)?|\s+|[\s\S]/gu) ?? [];
  }

  private peek(): string {
    return this.tokens[this.at] ?? "";
  }

  private skip(): void {
    while (/^\s/.test(this.peek())) this.at++;
  }

  /** Read up to `end`: a brace, `\right`, `&`, `\\` or the end of the formula. */
  row(...ends: string[]): string {
    let found = "";
    for (;;) {
      this.skip();
      const token = this.peek();
      if (!token || ends.includes(token)) return found;
      if (token === "}") {
        this.at++;
        continue;
      }
      found += this.scripted();
    }
  }

  private scripted(): string {
    const limits = /^\\(sum|prod|bigcup|bigcap|min|max|argmin|argmax|lim|sup|inf)$/.test(this.peek());
    const base = this.atom();
    let [sub, sup] = ["", ""];
    for (;;) {
      this.skip();
      if (this.peek() === "_" && !sub) {
        this.at++;
        sub = this.group();
      } else if (this.peek() === "^" && !sup) {
        this.at++;
        sup = this.group();
      } else if (this.peek() === "'" && !sup) {
        this.at++;
        sup = "<mo>′</mo>";
      } else break;
    }
    const [both, under, over] = limits ? ["munderover", "munder", "mover"] : ["msubsup", "msub", "msup"];
    if (sub && sup) return `<${both}>${base}${sub}${sup}</${both}>`;
    if (sub) return `<${under}>${base}${sub}</${under}>`;
    return sup ? `<${over}>${base}${sup}</${over}>` : base;
  }

  /** A group in braces, or one atom. */
  private group(): string {
    this.skip();
    if (this.peek() !== "{") return this.atom();
    this.at++;
    const body = this.row("}");
    this.at++;
    return `<mrow>${body}</mrow>`;
  }

  /** The letters between braces, as they are. */
  private words(): string {
    this.skip();
    if (this.peek() !== "{") return this.tokens[this.at++] ?? "";
    this.at++;
    let text = "";
    for (let depth = 1; this.at < this.tokens.length; this.at++) {
      const token = this.peek();
      if (token === "{") depth++;
      if (token === "}" && --depth === 0) break;
      text += token;
    }
    this.at++;
    return text;
  }

  private atom(): string {
    const token = this.tokens[this.at++] ?? "";
    if (token === "{") {
      const body = this.row("}");
      this.at++;
      return `<mrow>${body}</mrow>`;
    }
    if (token.startsWith("\\")) return this.command(token.slice(1));
    if (/^[0-9]/.test(token)) return `<mn>${token}</mn>`;
    if (/^\p{L}$/u.test(token)) return `<mi>${token}</mi>`;
    if (token === "-") return "<mo>−</mo>";
    if (token === "*") return "<mo>∗</mo>";
    return /^[()[\]|]$/.test(token) ? `<mo stretchy="false">${token}</mo>` : `<mo>${escape(token)}</mo>`;
  }

  private command(name: string): string {
    if (name in SYMBOLS) return `<mi>${SYMBOLS[name]}</mi>`;
    if (name in OPERATORS) return `<mo stretchy="false">${escape(OPERATORS[name]!)}</mo>`;
    if (name in BIG) return `<mo>${BIG[name]}</mo>`;
    if (LIMITS.has(name) || FUNCTIONS.has(name)) return `<mi>${name.replace("arg", "arg ").trim()}</mi>`;
    if (name in SPACES) return `<mspace width="${SPACES[name]}"/>`;
    if (name in ACCENTS) return `<mover accent="true">${this.group()}<mo>${ACCENTS[name]}</mo></mover>`;
    if (name in FONTS) return this.font(FONTS[name]!);
    if (name === "frac" || name === "tfrac" || name === "dfrac") return `<mfrac>${this.group()}${this.group()}</mfrac>`;
    if (name === "binom") return `<mrow><mo>(</mo><mfrac linethickness="0">${this.group()}${this.group()}</mfrac><mo>)</mo></mrow>`;
    if (name === "sqrt") return `<msqrt>${this.group()}</msqrt>`;
    if (name === "left") return this.fenced();
    if (name === "begin") return this.environment();
    if (name === "underbrace") return `<munder>${this.group()}<mo>⏟</mo></munder>`;
    if (["displaystyle", "limits", "nonumber", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr"].includes(name)) return "";
    return `<mtext>${escape(name)}</mtext>`;
  }

  private font(kind: string): string {
    const text = escape(this.words());
    if (kind === "t") return `<mtext>${text}</mtext>`;
    if (kind === "b") return `<mi class="bold">${text.replace(/\\(\w+)/g, (_, name: string) => SYMBOLS[name] ?? name)}</mi>`;
    return kind === "n" ? `<mi mathvariant="normal">${text}</mi>` : `<mi>${text}</mi>`;
  }

  private delimiter(): string {
    this.skip();
    const token = this.tokens[this.at++] ?? "";
    if (token === ".") return "";
    return `<mo>${escape(token.startsWith("\\") ? (OPERATORS[token.slice(1)] ?? token.slice(1)) : token)}</mo>`;
  }

  private fenced(): string {
    const open = this.delimiter();
    const body = this.row("\\right");
    this.at++;
    return `<mrow>${open}${body}${this.delimiter()}</mrow>`;
  }

  private environment(): string {
    const name = this.words().replace("*", "");
    if (name === "array") this.words();
    const rows: string[] = [];
    let cells: string[] = [];
    for (;;) {
      cells.push(`<mtd>${this.row("&", "\\\\", "\\end")}</mtd>`);
      const end = this.tokens[this.at++] ?? "";
      if (end === "&") continue;
      rows.push(`<mtr>${cells.join("")}</mtr>`);
      cells = [];
      if (end !== "\\\\") break;
    }
    this.words();
    const left = name === "cases" || name.startsWith("align") ? ' columnalign="left" class="left"' : "";
    const table = `<mtable${left}>${rows.join("")}</mtable>`;
    const fence: Record<string, [string, string]> = { cases: ["{", ""], pmatrix: ["(", ")"], bmatrix: ["[", "]"], vmatrix: ["|", "|"] };
    const [open, close] = fence[name] ?? ["", ""];
    return `<mrow>${open && `<mo>${open}</mo>`}${table}${close && `<mo>${close}</mo>`}</mrow>`;
  }
}
