package ktrdr.verify;

import java.time.Duration;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Place;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;

/**
 * A worker that is lost on purpose. Its container is killed, since a stopped worker would sign off from the backend,
 * and is always started again: if this run does not do it in time, a guard process on the node does.
 */
final class WorkerOutage implements Failover.Power {
    /** A worker has 30 s to save a checkpoint. */
    private static final Duration STOPPING = Duration.ofSeconds(90);
    private static final String ARMED = "armed=/run/lock/ktrdr-outage.$name\n";
    private final Fleet fleet;
    private final NodeLocks locks;
    private final Duration guard;

    /** @param guard after which the node starts the worker by itself */
    WorkerOutage(Fleet fleet, NodeLocks locks, Duration guard) {
        this.fleet = fleet;
        this.locks = locks;
        this.guard = guard;
    }

    /** A script that kills a container, after it has left a guard on the node that starts it again after so long. */
    static String kill(String container, Duration guard) {
        return Sh.let("name", container) + Sh.let("seconds", String.valueOf(Math.max(1, guard.toSeconds()))) + ARMED
                + "id=$(docker inspect --type container --format '{{.State.Running}} {{.Id}}' \"$name\") || exit " +
                ScriptExit.NOT_RUNNING.code + "\n"
                + "case $id in 'true '*) id=${id#* } ;; *) exit " + ScriptExit.NOT_RUNNING.code + " ;; esac\n" + """
                rm -f "$armed"
                # in a session of its own it outlives this one, and it may not hold what serializes our scripts
                setsid sh -c 'echo "$$ $3" >"$1"; sleep "$2"; docker start "$3" && rm -f "$1"' guard "$armed" \
                "$seconds" "$id" </dev/null >/dev/null 2>&1 8>&- &
                for _ in 1 2 3 4 5 6 7 8 9 10; do [ ! -s "$armed" ] || break; sleep 0.2; done
                """ + "[ -s \"$armed\" ] || exit " + ScriptExit.NO_GUARD.code + "\ndocker kill \"$id\" >/dev/null\n";
    }

    /**
     * A script that starts the container again and sends the guard home; nothing where no guard waits, since then it
     * was never stopped or is started already.
     */
    static String start(String container) {
        return Sh.let("name", container) + ARMED + """
                [ -s "$armed" ] || exit 0
                read -r guard id <"$armed"
                docker start "$id" >/dev/null
                rm -f "$armed"
                kill -s KILL -- "-$guard" 2>/dev/null || :
                """;
    }

    private String container(Place place) {
        return Stack.of(fleet.inventory(), place.node()).container(place.worker().name());
    }

    @Override
    public void off(Place place) {
        var name = container(place);
        var result = fleet.ssh(place.node()).run(locks.under(place.node()) + kill(name, guard), STOPPING);
        if (result.ok()) return;
        throw NodeLocks.refused(place.node(), result)
                .orElseGet(() -> Problem.failed(place.words() + " could not be killed")
                        .found(switch (ScriptExit.of(result)) {
                            case NOT_RUNNING -> "its container does not run";
                            case NO_GUARD -> "the guard that would start it again did not start";
                            default -> result.lastWords();
                        }).fix("on " + place.node().name() + ": docker ps -a"));
    }

    /** Tried for a minute, over a new connection where the old one was lost. */
    @Override
    public void on(Place place) {
        try {
            Threads.insist(() -> {
                var result = fleet.ssh(place.node()).run(locks.under(place.node()) + start(container(place)),
                        STOPPING.plusMinutes(1));
                if (result.ok()) return result;
                throw NodeLocks.refused(place.node(), result)
                        .orElseGet(() -> Problem.failed(place.words() + " could not be started again").found(result));
            }, problem -> {});
        } catch (Problem problem) {
            throw problem.with("then",
                    place.node().name() + " starts it by itself within " + Units.duration(guard) + " after the stop")
                    .fix("on " + place.node().name() + ": docker start " + container(place));
        }
    }
}
