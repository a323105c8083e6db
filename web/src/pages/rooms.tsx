// The list of hand-made rooms.
import { useEffect } from "preact/hooks";
import { rooms } from "../rooms";
import { told } from "../rooms/told";

export default function RoomsPage() {
  useEffect(() => {
    document.title = "Rooms · Sightline lab";
  }, []);
  return (
    <main class="page">
      <h1>Rooms</h1>
      <p class="lead">One idea each, built by hand.</p>
      <ul class="cards">
        {rooms.map(({ id }) => <li key={id}><a class="card" href={`/rooms/${id}`}><span class="card-name">{told[id]?.title ?? id}</span><span class="card-text">{told[id]?.summary}</span></a></li>)}
      </ul>
    </main>
  );
}
