// Narrows the map of methods down to what was asked for; the choice stands in the address, so that it can be shared.
(() => {
  const table = document.getElementById("map");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const control = (name) => document.getElementById(`map-${name}`);
  const names = ["text", "field", "task", "year", "evidence", "speed", "steps"];
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const name of names) {
    const value = asked.get(name);
    if (value === null) continue;
    if (name === "steps") control(name).checked = value === "yes";
    else control(name).value = value;
  }
  function narrow() {
    const text = control("text").value.trim().toLowerCase().split(/\s+/);
    let count = 0;
    for (const row of rows) {
      const { field, task, year, evidence, speed, steps } = row.dataset;
      const shown =
        text.every((word) => words.get(row).includes(word) || task.includes(word)) &&
        (!control("field").value || field === control("field").value) &&
        (!control("task").value || task === control("task").value) &&
        (!control("year").value || year === control("year").value) &&
        (!control("evidence").value || evidence.split(" ").includes(control("evidence").value)) &&
        (!control("speed").value || speed === control("speed").value) &&
        (!control("steps").checked || steps === "yes");
      row.hidden = !shown;
      count += shown;
    }
    control("count").textContent = `${count} of ${rows.length}`;
    const state = new URLSearchParams();
    for (const name of names) {
      const value = name === "steps" ? (control(name).checked ? "yes" : "") : control(name).value;
      if (value) state.set(name, value);
    }
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname);
  }
  for (const name of names) control(name).addEventListener("input", narrow);
  narrow();
})();
