// The list of hand-made rooms.
import { useEffect } from "preact/hooks";
import { rooms } from "../rooms";

export default function RoomsPage() {
  useEffect(() => {
    document.title = "Rooms · Sightline lab";
  }, []);
  return (
    <main class="page">
      <h1>Rooms</h1>
      <p class="lead">One idea each, built by hand.</p>
      <ul class="cards">
        {rooms.map((room) => <li key={room.id}><a class="card" href={`/rooms/${room.id}`}><span class="card-name">{room.title}</span><span class="card-text">{room.summary}</span></a></li>)}
      </ul>
    </main>
  );
}
