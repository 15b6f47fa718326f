// The controls of a verb, as macros.html makes them from its definition: read, filled in, and linked to one another.

/** Wire all [data-control] within `root`. onchange(values) is called at each change by a person. Gives
    {values(), fill(parameters), reset()}. A control that is left at its usual value is not in values(). */
export function controls(root, { onchange } = {}) {
  const all = [...root.querySelectorAll("[data-control]:not([data-kind=module])")]; // those have a module of their own
  for (const control of all) {
    if (control.dataset.kind === "slider") link(control);
  }
  root.addEventListener("input", (event) => {
    if (event.target.closest("[data-control]")) onchange?.(values());
  });

  function values() {
    const found = {};
    for (const control of all) {
      const { value, usual } = read(control);
      if (value !== usual) found[control.dataset.control] = value;
    }
    return found;
  }
  /** Show these parameters; a control that is not among them gets its usual value. */
  function fill(parameters = {}) {
    for (const control of all) {
      const name = control.dataset.control;
      write(control, name in parameters ? parameters[name] : read(control).usual);
    }
  }
  return { values, fill, reset: () => fill({}) };
}

/** Whether what is filled in may be sent; if not, it shows what is wrong. */
export function isRight(form) {
  const wrong = [...form.elements].find((field) => field.willValidate && !field.checkValidity());
  wrong?.closest("details")?.setAttribute("open", "");
  wrong?.reportValidity();
  return !wrong;
}

/** A slider's track shows how far it is; called whenever its value is set by a module. */
export function paintTrack(slider) {
  const share = (slider.value - slider.min) / (slider.max - slider.min || 1);
  slider.style.setProperty("--fill", `${Math.max(0, Math.min(1, share)) * 100}%`);
}

// A slider and the number beside it. The number counts; it may be empty (automatic) or beyond the slider's ends.
function link(control) {
  const slider = control.querySelector("input[type=range]");
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

function read(control) {
  const kind = control.dataset.kind;
  if (kind === "check") {
    const box = control.querySelector("input");
    return { value: box.checked, usual: box.dataset.default === "true" };
  }
  if (kind === "choice" && !control.querySelector("select")) {
    const radios = [...control.querySelectorAll("input[type=radio]")];
    const usual = radios.find((radio) => radio.dataset.default === "true");
    return { value: radios.find((radio) => radio.checked)?.value ?? null, usual: usual?.value ?? null };
  }
  const field = control.querySelector("select, input[type=number], input[type=text], textarea");
  const numeric = kind === "slider" || kind === "number";
  const plain = (text) => (text.trim() === "" ? null : numeric ? Number(text) : text.trim());
  return { value: plain(field.value), usual: plain(field.dataset.default ?? "") };
}

function write(control, value) {
  const kind = control.dataset.kind;
  if (kind === "check") control.querySelector("input").checked = Boolean(value);
  else if (kind === "choice" && !control.querySelector("select")) {
    for (const radio of control.querySelectorAll("input[type=radio]")) radio.checked = radio.value === String(value);
  } else {
    control.querySelector("select, input[type=number], input[type=text], textarea").value = value ?? "";
  }
  control.dispatchEvent(new Event("filled"));
}
