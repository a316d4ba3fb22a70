package ktrdr.release;

import com.fasterxml.jackson.databind.node.MissingNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import ktrdr.BuiltIn;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;

/**
 * The lock of a Compose project on a host, {@code <directory>/.ktrdr/lock}: a folder made with mkdir that holds its
 * owner, the time, the command, and a heartbeat. Scripts to take it, to renew it, and to release it.
 *
 * A project normally has one folder. If another inventory names another folder for the same host,
 * {@code /run/lock/<project>.at} says which one has the lock.
 *
 * A lock without a heartbeat for longer than its life expires, and the next run takes it over. The age of a heartbeat
 * is measured by the node's uptime, so that setting a clock does not matter; an uptime below that of the last heartbeat
 * means a reboot, which no owner survives. Work under the lock holds a flock(1) in /run/lock while it runs, so that the
 * lock of a dead owner is not taken over before the owner's last script ended.
 */
public final class LockScripts {
    /** How long a lock lives after its last heartbeat, and how often its owner renews it. */
    public static final Duration LIFE = Duration.ofSeconds(30);
    public static final Duration BEAT = Duration.ofSeconds(5);
    /** The line that ends the answer about the lock. */
    static final String ANSWERED = "end\tyes\n";

    /**
     * Shell lines that say who holds the lock, for a script whose {@code directory} is the stack's. An owner from
     * before a reboot has no age.
     */
    public static String holder() {
        return project() + BuiltIn.lines("lock/look.sh");
    }

    private LockScripts() {}

    /**
     * What is locked: the Compose project of a node, of which a host has one, and the folder it is deployed from.
     *
     * @param directory that holds the lock; another inventory may have another one for the same project
     * @param project of Compose
     */
    public record Place(String directory, String project) {
        private String let() {
            return Sh.let("directory", directory) + Sh.let("project", project);
        }
    }

    /**
     * The owner of a lock.
     *
     * @param id of a run, unique
     * @param who user and machine, such as karl@laptop
     * @param since UTC
     * @param what such as "deploy core all sha-3f2c9ab"
     */
    public record Owner(String id, String who, String since, String what) {
        /** A new run that starts now. */
        public static Owner now(String who, String what) {
            return new Owner(UUID.randomUUID().toString(), who,
                    Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(), what);
        }

        /** In words: "karl@laptop since 2026-01-01T10:00:00Z: deploy core all sha-3f2c9ab". */
        public String words() {
            return who + " since " + since + ": " + what;
        }

        /** As a line of the lock's file. */
        public String json() {
            var fields = new LinkedHashMap<String, Object>();
            fields.put("id", id);
            fields.put("who", who);
            fields.put("since", since);
            fields.put("what", what);
            return Json.line(fields);
        }

        /** The owner in the file of a lock; a damaged file means an unknown owner. */
        public static Owner of(String file) {
            var json = Json.read(file).orElse(MissingNode.getInstance());
            return new Owner(json.path("id").asText(), json.path("who").asText("an unknown user"),
                    json.path("since").asText("an unknown time"), json.path("what").asText("an unknown command"));
        }
    }

    /**
     * The answer to a request for a lock.
     *
     * @param holder its owner; empty if this run has it now, or if the owner is not known
     * @param age of the last heartbeat, in seconds; -1 if there was none
     * @param busy whether a script of an earlier run is still running on the node
     * @param left the previous owner, if the lock expired and was taken over
     * @param from the folder of the holder; empty if it is the requested one
     */
    public record LockState(boolean taken, Optional<Owner> holder, long age, boolean busy, Optional<Owner> left,
            String from) {
        /** A lock that is in the requested folder. */
        public LockState(boolean taken, Optional<Owner> holder, long age, boolean busy, Optional<Owner> left) {
            this(taken, holder, age, busy, left, "");
        }

        /** Reads the answer of a script that asked for the lock alone. */
        public static LockState parse(String text) {
            return of(Facts.parse(text));
        }

        /** The same, of facts that have what {@link #holder} says among them. */
        public static LockState of(Facts facts) {
            return new LockState(facts.get("taken").equals("yes"), owner(facts.all("held")), facts.number("age"),
                    !facts.get("busy").isEmpty(), owner(facts.all("left")), facts.get("from"));
        }

        private static Optional<Owner> owner(List<String> files) {
            return files.stream().findFirst().map(Owner::of);
        }

        /** Whether its holder sent a heartbeat within the life of a lock; false without a holder. */
        public boolean alive() {
            return holder.isPresent() && age >= 0 && age <= LIFE.toSeconds();
        }

        /** A holder in words, with the folder if that is another one. */
        public String words(Owner owner) {
            return owner.words() + (from.isEmpty() ? "" : ", from " + from);
        }

        /** Why this run does not get it, for exit code 4. */
        public Problem problem(String node) {
            var problem = Problem.locked(node + (busy ? ": a script of an earlier run is still running there"
                    : ": the node is locked by " + holder.map(Owner::who).orElse("another run")))
                    .expected("a node without a lock");
            holder.ifPresent(owner -> problem.found(words(owner))
                    .with("last sign", age + " s ago; after " + LIFE.toSeconds() + " s without one the lock expires"));
            return problem.fix("wait for it: --wait 5m");
        }
    }

    /**
     * A script that takes the lock or says who has it, with exit code 0 either way; {@link ScriptExit#NOT_WRITTEN} if
     * the node's disk is full, {@link ScriptExit#UNSAFE} if other users can write there. Its answer ends with
     * {@link #ANSWERED}.
     */
    public static String take(Place place, Owner owner, Duration life) {
        return take(place, owner, life, "");
    }

    /** The same, followed by a look at the node; meanwhile others may ask for the lock. */
    static String take(Place place, Owner owner, Duration life, String look) {
        return Facts.SAY + begin(place, owner.id()) + Sh.let("owner", owner.json()) + "life=" + life.toSeconds() + "\n"
                + BuiltIn.lines("lock/take.sh") + look;
    }

    /**
     * A script that renews the heartbeat; exit code {@link ScriptExit#LOCK_LOST} if the owner does not have the lock
     * any more.
     */
    public static String beat(Place place, Owner owner) {
        return begin(place, owner.id()) + BuiltIn.lines("lock/beat.sh");
    }

    /** A script that releases the lock if the owner still has it. */
    public static String release(Place place, Owner owner) {
        return begin(place, owner.id()) + give() + "give\n";
    }

    /**
     * A script that does the last work under the lock, as {@link #under} does, and then releases it, however the work
     * ended; the exit code is that of the work.
     */
    static String last(Place place, Owner owner, Duration patience, String work) {
        // in a condition it would go on after a command that failed
        return under(place, owner, patience) + give() + "set +e\n(\nset -e\n" + work
                + "\n)\ncode=$?\nset -e\ngive\nexit \"$code\"\n";
    }

    /**
     * The start of a script that works under the lock. It ends with {@link ScriptExit#LOCK_LOST} or
     * {@link ScriptExit#LOCK_BUSY} if it may not, and runs alone until its last process ended. It waits for so long for
     * an earlier script to end.
     */
    public static String under(Place place, Owner owner, Duration patience) {
        return begin(place, owner.id()) + "there busy\nexec 8<\"$flocks.busy\"\nflock -w " + patience.toSeconds()
                + " 8 || exit " + ScriptExit.LOCK_BUSY.code + "\nmine || exit " + ScriptExit.LOCK_LOST.code + "\n";
    }

    /** A script that only says who holds the lock. */
    public static String look(Place place) {
        return Facts.SAY + place.let() + holder() + "say end yes\n";
    }

    private static String begin(Place place, String id) {
        return place.let() + Sh.let("id", id) + project() + BuiltIn.lines("lock/tools.sh");
    }

    private static String project() {
        return BuiltIn.lines("lock/project.sh");
    }

    private static String give() {
        return BuiltIn.lines("lock/give.sh");
    }
}
