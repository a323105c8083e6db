// The lab: its frame, and which page an address means.
import { render, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./style/base.css";
import "./style/page.css";
import "./style/view.css";
import { Drop } from "./parts/drop";
import { Header } from "./parts/header";
import { MapPage } from "./pages/map";
import { MethodPage } from "./pages/method";
import { place, startRouter } from "./router";
import { rooms } from "./rooms";
import { notice } from "./state";

type Load = () => Promise<{ default: ComponentType<{ id: string }> }>;

const LATER: [RegExp, Load][] = [
  [/^\/pipeline$/, () => import("./pages/pipeline")],
  [/^\/lessons$/, () => import("./pages/lessons")],
  [/^\/lessons\/([\w-]+)$/, () => import("./pages/lesson")],
  [/^\/runs$/, () => import("./pages/runs")],
  [/^\/runs\/(.+)$/, () => import("./pages/run-page")],
  [/^\/trace$/, () => import("./pages/trace")],
  [/^\/rooms$/, () => import("./pages/rooms")],
];

function Later({ load, id }: { load: Load; id: string }) {
  const [page, setPage] = useState<{ of: Load; Page: ComponentType<{ id: string }> } | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    load().then((found) => setPage({ of: load, Page: found.default }), (problem: Error) => setError(problem.message));
  }, [load]);
  if (error) return <main class="page"><h1>This page could not be loaded</h1><p class="error" role="alert">{error}</p></main>;
  return page && page.of === load ? <page.Page key={id} id={id} /> : <main class="page" aria-busy="true"><h1 class="sr">Loading</h1></main>;
}

function Page() {
  const { path } = place.value;
  if (path === "/") return <MapPage />;
  const named = /^\/method\/([\w.]+)$/.exec(path);
  if (named) return <MethodPage key={named[1]} name={named[1]!} />;
  const room = rooms.find((item) => path === `/rooms/${item.id}`);
  if (room) return <Later key={path} load={room.load as Load} id={room.id} />;
  for (const [pattern, load] of LATER) {
    const match = pattern.exec(path);
    if (match) return <Later key={path} load={load} id={match[1] ?? ""} />;
  }
  return <main class="page"><h1>There is no such page</h1><p><a href="/">All methods</a></p></main>;
}

function App() {
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("main")?.querySelector<HTMLElement>("button, a, input, select")?.focus(); }}>Skip to the page</a>
      <Header />
      <div id="content"><Page /></div>
      <Drop />
      <div class="notice" role="status" data-shown={notice.value !== ""}>{notice.value}</div>
    </>
  );
}

document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  if (event.key !== "/" || event.ctrlKey || event.metaKey || target.closest("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, dialog")) return;
  event.preventDefault();
  document.getElementById("search")?.focus();
});

startRouter();
render(<App />, document.getElementById("app")!);
