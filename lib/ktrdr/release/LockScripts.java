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
 * The lock of a Compose project on a host, {@code <directory>/.ktrdr/lock}: a folder made with mkdir that holds who
 * deploys there, since when and what, and a heartbeat. Scripts to take it, to beat, and to give it back.
 *
 * A project has one folder as a rule; where another inventory names another for the same host,
 * {@code /run/lock/<project>.at} says which one the lock is in.
 *
 * A lock that nobody beat for longer than its life is taken over by the next one who asks. The age of a beat is
 * measured by the node's uptime, so that setting a clock does not matter; an uptime below that of the last beat is a
 * reboot, which no owner survives. What is done under the lock holds a flock(1) in /run/lock while it runs, so that a
 * lock whose owner died is not taken over before the owner's last script ended.
 */
public final class LockScripts {
    /** How long a lock lives after its last beat, and how often its owner beats. */
    public static final Duration LIFE = Duration.ofSeconds(30);
    public static final Duration BEAT = Duration.ofSeconds(5);
    /** The line with which the answer of a script that asks for it ends. */
    static final String ANSWERED = "end\tyes\n";

    /**
     * Shell lines that say who holds the lock, for a script whose {@code directory} is the stack's. An owner that a
     * reboot ended has no age.
     */
    public static String holder() {
        return project() + BuiltIn.lines("lock/look.sh");
    }

    private LockScripts() {}

    /**
     * What a lock is of: the Compose project of a node, of which there is one on a host, worked on from this folder.
     *
     * @param directory in which the lock is; another inventory may have another one for the same project
     * @param project of Compose
     */
    public record Place(String directory, String project) {
        private String let() {
            return Sh.let("directory", directory) + Sh.let("project", project);
        }
    }

    /**
     * Who holds a lock.
     *
     * @param id of a run, no two alike
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

        /** The owner that the file of a lock names; what is damaged is held by somebody all the same. */
        public static Owner of(String file) {
            var json = Json.read(file).orElse(MissingNode.getInstance());
            return new Owner(json.path("id").asText(), json.path("who").asText("an unknown user"),
                    json.path("since").asText("an unknown time"), json.path("what").asText("an unknown command"));
        }
    }

    /**
     * What came of asking for a lock.
     *
     * @param holder who has it; empty when it is ours now, or when nobody is known
     * @param age of the holder's last beat, in seconds; -1 when it never beat
     * @param busy whether a script of an earlier run is still at work on the node
     * @param left who had it and stopped beating, so that it was taken over
     * @param from the folder from which the holder works; empty where it is the one that was asked about
     */
    public record LockState(boolean taken, Optional<Owner> holder, long age, boolean busy, Optional<Owner> left,
            String from) {
        /** One that nobody of another folder has. */
        public LockState(boolean taken, Optional<Owner> holder, long age, boolean busy, Optional<Owner> left) {
            this(taken, holder, age, busy, left, "");
        }

        /** The answer of a script that asked for the lock alone. */
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

        /** Whether its holder gave a sign within the life of a lock; false for one that nobody holds. */
        public boolean alive() {
            return holder.isPresent() && age >= 0 && age <= LIFE.toSeconds();
        }

        /** A holder in words, with the folder where that is another. */
        public String words(Owner owner) {
            return owner.words() + (from.isEmpty() ? "" : ", from " + from);
        }

        /** Why it is not ours, as exit code 4 tells it. */
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
     * A script that takes the lock or says who has it, with exit code 0 either way; {@link ScriptExit#NOT_WRITTEN}
     * where the node's disk does not take it, {@link ScriptExit#UNSAFE} where it is no place for one. Its answer ends
     * with {@link #ANSWERED}.
     */
    public static String take(Place place, Owner owner, Duration life) {
        return take(place, owner, life, "");
    }

    /**
     * The same, for a script that goes on to look at the node where the lock is had; meanwhile others may ask for it.
     */
    static String take(Place place, Owner owner, Duration life, String look) {
        return Facts.SAY + begin(place, owner.id()) + Sh.let("owner", owner.json()) + "life=" + life.toSeconds() + "\n"
                + BuiltIn.lines("lock/take.sh") + look;
    }

    /**
     * A script that says that the owner is still there; exit code {@link ScriptExit#LOCK_LOST} when the lock is not
     * theirs any more.
     */
    public static String beat(Place place, Owner owner) {
        return begin(place, owner.id()) + BuiltIn.lines("lock/beat.sh");
    }

    /** A script that gives the lock back, if it is still theirs. */
    public static String release(Place place, Owner owner) {
        return begin(place, owner.id()) + give() + "give\n";
    }

    /**
     * A script that does the last work under the lock, as {@link #under} does, and then gives it back, however that
     * ended; the exit code is that of the work.
     */
    static String last(Place place, Owner owner, Duration patience, String work) {
        // in a condition it would go on after a command that failed
        return under(place, owner, patience) + give() + "set +e\n(\nset -e\n" + work
                + "\n)\ncode=$?\nset -e\ngive\nexit \"$code\"\n";
    }

    /**
     * The start of a script that works under the lock: it ends with {@link ScriptExit#LOCK_LOST} or
     * {@link ScriptExit#LOCK_BUSY} where it may not, and is alone until its last process ended. For one that is still
     * at work it waits so long.
     */
    public static String under(Place place, Owner owner, Duration patience) {
        return begin(place, owner.id()) + "there busy\nexec 8<\"$flocks.busy\"\nflock -w " + patience.toSeconds()
                + " 8 || exit " + ScriptExit.LOCK_BUSY.code + "\nmine || exit " + ScriptExit.LOCK_LOST.code + "\n";
    }

    /** A script that says who holds the lock, for whoever only looks. */
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
