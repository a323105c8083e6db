// The frame's top: where one can go, the search, light and dark.
import { place } from "../router";
import { rooms } from "../rooms";
import { theme, type Theme } from "../state";
import { Icon } from "./icon";
import { HeaderSearch } from "./search";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const SIGN: Record<Theme, string> = { system: "auto", light: "sun", dark: "moon" };

export function Header() {
  const { path } = place.value;
  const links: [string, string][] = [["/", "Methods"], ["/pipeline", "Pipeline"], ...(rooms.length ? [["/rooms", "Rooms"] as [string, string]] : []), ["/lessons", "Lessons"], ["/runs", "Runs"]];
  const isHere = (href: string) => (href === "/" ? path === "/" || path.startsWith("/method/") : path === href || path.startsWith(`${href}/`));
  return (
    <header class="top">
      <a class="brand" href="/"><img src="/static/icon.svg" alt="" width={22} height={22} /> Sightline <span>lab</span></a>
      <nav aria-label="Lab">
        {links.map(([href, title]) => <a key={href} href={href} aria-current={isHere(href) ? "page" : undefined}>{title}</a>)}
        <a href="/api" data-server>API</a>
      </nav>
      {path !== "/" && <HeaderSearch />}
      <button type="button" class="icon theme" aria-label={`Colours: ${theme.value}. Change`} title={`Colours: ${theme.value}`} onClick={() => (theme.value = NEXT[theme.value])}><Icon name={SIGN[theme.value]} /></button>
    </header>
  );
}
