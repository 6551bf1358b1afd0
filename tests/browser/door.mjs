/** A door before the hub, that a test can shut in the middle of everything. */

import net from "node:net";

import { HUB } from "./hub.mjs";

const { hostname, port } = new URL(HUB);

/**
 * Opens a door: `origin` is its address, as good as the hub's own; `shut` cuts every connection and lets nobody in
 * until `open`; `close` takes it away.
 */
export async function makeDoor() {
  const sockets = new Set();
  let isShut = false;
  const door = net.createServer((near) => {
    if (isShut) {
      near.resetAndDestroy();
      return;
    }
    const far = net.connect({ host: hostname, port: Number(port) });
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      // What fails at one side is cut at the other, as if nobody stood between.
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise((resolve) => door.listen(0, "127.0.0.1", resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    origin: `http://127.0.0.1:${door.address().port}`,
    shut: () => {
      isShut = true;
      cut();
    },
    open: () => {
      isShut = false;
    },
    close: () => {
      cut();
      return new Promise((resolve) => door.close(resolve));
    },
  };
}
