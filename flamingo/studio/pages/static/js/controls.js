// The controls of a verb, as macros.html makes them from its definition: read, filled in, and linked to one another.

/** Wire all [data-control] within `root`. onchange(values) is called at each change by a person. Gives
    {values(), fill(parameters), reset()}. A control that is left at its usual value is not in values().

    @typedef {{[name: string]: any}} ControlValues by the names of a verb's options
    @param {HTMLElement} root
    @param {{onchange?: (values: ControlValues) => void}} options */
export function controls(root, { onchange } = {}) {
  const all = [...root.querySelectorAll("[data-control]:not([data-kind=module])")]; // those have a module of their own
  for (const control of all) {
    if (control.dataset.kind === "slider") link(control);
  }
  root.addEventListener("input", (event) => {
    if (/** @type {HTMLElement} */ (event.target).closest("[data-control]")) onchange?.(values());
  });

  function values() {
    /** @type {ControlValues} */
    const changed = {};
    for (const control of all) {
      const { value, usual } = read(control);
      if (value !== usual) changed[control.dataset.control] = value;
    }
    return changed;
  }
  /**
   * Show these parameters; a control that is not among them gets its usual value.
   *
   * @param {ControlValues} parameters
   */
  function fill(parameters = {}) {
    for (const control of all) {
      const name = control.dataset.control;
      write(control, name in parameters ? parameters[name] : read(control).usual);
    }
  }
  return { values, fill, reset: () => fill({}) };
}

/**
 * Whether what is filled in may be sent; if not, it shows what is wrong.
 *
 * @param {HTMLFormElement} form
 */
export function isRight(form) {
  const wrong = [.../** @type {Iterable<HTMLInputElement>} */ (form.elements)].find((field) => field.willValidate && !field.checkValidity());
  wrong?.closest("details")?.setAttribute("open", "");
  wrong?.reportValidity();
  return !wrong;
}

/**
 * A slider's track shows how far it is; called whenever its value is set by a module.
 *
 * @param {HTMLInputElement} slider
 */
export function paintTrack(slider) {
  const [value, least, most] = [slider.value, slider.min, slider.max].map(Number);
  const share = (value - least) / (most - least || 1);
  slider.style.setProperty("--fill", `${Math.max(0, Math.min(1, share)) * 100}%`);
}

/**
 * A slider and the number beside it. The number counts; it may be empty (automatic) or beyond the slider's ends.
 *
 * @param {HTMLElement} control
 */
function link(control) {
  /** @type {HTMLInputElement} */
  const slider = control.querySelector("input[type=range]");
  /** @type {HTMLInputElement} */
  const number = control.querySelector("input[type=number]");
  const show = () => {
    control.querySelector(".slide").classList.toggle("unset", number.value === "");
    if (number.value !== "") slider.value = number.value;
    slider.setAttribute("aria-valuetext", number.value === "" ? number.placeholder || "automatic" : number.value);
    paintTrack(slider);
  };
  // In the capture phase, so that whoever listens further up already finds the number set.
  slider.addEventListener("input", () => { number.value = slider.value; show(); }, true);
  number.addEventListener("input", show);
  control.addEventListener("filled", show);
  show();
}

/**
 * @param {HTMLElement} control
 * @returns {{value: ControlValue, usual: ControlValue}}
 */
function read(control) {
  const kind = control.dataset.kind;
  if (kind === "check") {
    const box = control.querySelector("input");
    return { value: box.checked, usual: box.dataset.default === "true" };
  }
  if (kind === "choice" && !control.querySelector("select")) {
    const radios = [.../** @type {NodeListOf<HTMLInputElement>} */ (control.querySelectorAll("input[type=radio]"))];
    const usual = radios.find((radio) => radio.dataset.default === "true");
    return { value: radios.find((radio) => radio.checked)?.value ?? null, usual: usual?.value ?? null };
  }
  /** @type {HTMLInputElement} */
  const field = control.querySelector("select, input[type=number], input[type=text], textarea");
  const numeric = kind === "slider" || kind === "number";
  const plain = (/** @type {string} */ text) => (text.trim() === "" ? null : numeric ? Number(text) : text.trim());
  return { value: plain(field.value), usual: plain(field.dataset.default ?? "") };
}

/**
 * @param {HTMLElement} control
 * @param {ControlValue} value
 */
function write(control, value) {
  const kind = control.dataset.kind;
  if (kind === "check") control.querySelector("input").checked = Boolean(value);
  else if (kind === "choice" && !control.querySelector("select")) {
    /** @type {NodeListOf<HTMLInputElement>} */
    const radios = control.querySelectorAll("input[type=radio]");
    for (const radio of radios) radio.checked = radio.value === String(value);
  } else {
    /** @type {HTMLInputElement} */
    const field = control.querySelector("select, input[type=number], input[type=text], textarea");
    field.value = String(value ?? "");
  }
  control.dispatchEvent(new Event("filled"));
}
