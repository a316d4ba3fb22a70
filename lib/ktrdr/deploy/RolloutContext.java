package ktrdr.deploy;

import ktrdr.Console;
import ktrdr.Http;
import ktrdr.fleet.Fleet;
import ktrdr.release.NodeLocks;

/** What all nodes of a rollout share. */
record RolloutContext(Fleet fleet, NodeLocks locks, Http http, Console console, Rollout.Options options,
        RolloutExchange exchange, RolloutProgress progress) {}
