package lab;

import java.util.stream.Collectors;
import ktrdr.inventory.Secrets;

/**
 * What can happen to the practice fleet. A lasting one is a {@link Fault}, for try-with-resources: closing it repairs
 * the fleet even if the test fails.
 *
 * Each is the real thing where possible: killed processes, lost packets, a full file system.
 */
public final class Faults {
    /** A fault that lasts until it is closed; closing it again changes nothing. */
    @FunctionalInterface
    public interface Fault extends AutoCloseable {
        @Override
        void close();
    }

    private static final String REGISTRY = " -d " + Services.ADDRESS + " -p tcp --dport 5000 -j DROP";
    private static final String DOCKER_TMP = "/var/lib/docker/tmp";

    private Faults() {}

    private static Fault fault(String host, String breaking, String mending) {
        Fault fault = () -> World.on(host, mending);
        try {
            World.on(host, breaking);
            return fault;
        } catch (RuntimeException e) {
            fault.close();
            throw e;
        }
    }

    /** Cuts every ssh session of a host; new ones are accepted. */
    public static void cut(String host) {
        World.on(host, "pkill -KILL -f '^sshd-session: root' || { echo nobody is connected >&2; exit 1; }");
    }

    /** Expires a host's lock as if its heartbeat had stopped, for tests that are not about the wait itself. */
    public static void silent(String... hosts) {
        for (var host : hosts) silentIn(host, "/opt/ktrdr-" + host);
    }

    /** The same of a stack in this folder. */
    public static void silentIn(String host, String folder) {
        World.on(host, "cd " + folder + "/.ktrdr/lock && echo $(($(cat beat) - 60)) >beat");
    }

    /** Waits for a pull on a host, then drops all that it sends to the registry: the pull neither fails nor ends. */
    public static Fault stalledPull(String host) {
        return fault(host, """
                for i in $(seq 4000); do
                  set -- /dev/shm/ktrdr.*
                  if [ -e "$1" ]; then
                    iptables -I OUTPUT%s
                    exit 0
                  fi
                  sleep 0.01
                done
                echo no login was tried >&2
                exit 1
                """.formatted(REGISTRY), "while iptables -D OUTPUT" + REGISTRY + " 2>/dev/null; do :; done");
    }

    /** Stops the registry and its DNS server: connections are closed and new ones fail. */
    public static Fault registryGone() {
        World.docker("stop", "-t", "5", Services.CONTAINER);
        return () -> {
            World.docker("start", Services.CONTAINER);
            World.on("core", "for i in $(seq 200); do curl -sk -o /dev/null https://" + Services.REGISTRY
                    + "/v2/ && exit 0; sleep 0.1; done; exit 1");
        };
    }

    /**
     * A program of a host waits for three seconds before it runs with matching arguments or output, and reports this to
     * {@link Underway#awaitAsked}.
     *
     * @param asked an sh pattern for the arguments, " >" and the output's target
     */
    public static Fault waits(String host, String program, String asked) {
        // helpers run without secrets in their environment: only Docker's own programs may have them
        var secrets = Secrets.Field.KNOWN.stream().map(field -> field.variable()).collect(Collectors.joining(" "));
        return fault(host, "rm -f /run/reached; cat >/usr/local/bin/" + program +
                " <<'E'\n#!/bin/sh\nbare() { (unset " + secrets + "; exec \"$@\"); }\n"
                + "case \"$* >$(bare readlink /proc/$$/fd/1)\" in *" + asked +
                "*) : >/run/reached; bare sleep 3 ;; esac\nexec /usr/bin/" + program
                + " \"$@\"\nE\nchmod 755 /usr/local/bin/" + program,
                "rm -f /usr/local/bin/" + program + " /run/reached");
    }

    /** Runs a command on a host right before a program first runs with matching arguments. */
    public static Fault before(String host, String program, String asked, String happening) {
        return fault(host,
                "cat >/usr/local/bin/" + program + " <<'E'\n#!/bin/sh\ncase \"$*\" in *" + asked
                        + "*) rm -f /usr/local/bin/" + program + "; { " + happening
                        + "; } </dev/null >&2 ;; esac\nexec /usr/bin/" + program
                + " \"$@\"\nE\nchmod 755 /usr/local/bin/" + program, "rm -f /usr/local/bin/" + program);
    }

    /**
     * A container whose first process ignores signals: stopping it takes the whole grace period, half a minute, or two
     * seconds for a worker.
     */
    public static Fault deaf(String host, String container) {
        var first = World.on(host, "docker inspect --format '{{.State.Pid}}' " + container);
        return fault(host, "kill -s STOP " + first, "kill -s CONT " + first + " 2>/dev/null || :");
    }

    /** A container that is paused for a while, so that it does not get healthy. */
    public static Fault paused(String host, String container) {
        // pausing a container that is just starting may fail at first
        return fault(host,
                "for i in 1 2 3 4 5; do if said=$(docker pause " + container
                        + " 2>&1); then exit 0; fi; sleep 0.3; done; echo \"$said\" >&2; exit 1",
                "docker unpause " + container + " >/dev/null 2>&1 || :");
    }

    public static void restartDocker(String host) {
        World.on(host, "systemctl reset-failed docker && systemctl restart docker");
    }

    /** Powers a host off. After the repair it has booted: ssh and Docker answer, and its containers run again. */
    public static Fault powerOff(String host) {
        World.docker("kill", "ktrdr-lab-" + host);
        return () -> {
            World.docker("start", "ktrdr-lab-" + host);
            World.on(host, "for i in $(seq 300); do systemctl is-active --quiet ssh docker && [ -n \"$(docker ps "
                    + "-q)\" ] && exit 0; sleep 0.2; done; exit 1");
        };
    }

    /** Docker has no disk space for downloads. */
    public static Fault fullDocker(String host) {
        return fault(host, "mount -t tmpfs -o size=4k tmpfs " + DOCKER_TMP + "; head -c 4096 /dev/zero >" + DOCKER_TMP
                + "/full",
                "! mountpoint -q " + DOCKER_TMP + " || umount " + DOCKER_TMP);
    }

    /** Moves the folder of a host's stack to a small disk with room for a lock; {@link #fill} fills it. */
    public static Fault smallDisk(String host) {
        var folder = "/opt/ktrdr-" + host;
        return fault(host, "mkdir /run/small && mount -t tmpfs -o size=16m,mode=755 tmpfs /run/small && cp -a " + folder
                + "/. /run/small && mount --bind /run/small " + folder,
                "for place in " + folder
                        + " /run/small; do ! mountpoint -q $place || umount $place; done\nrm -rf --one-file-system "
                        + "/run/small");
    }

    /** Fills the small disk of {@link #smallDisk} to the last byte. */
    public static void fill(String host) {
        World.on(host, "cat /dev/zero >/opt/ktrdr-" + host + "/full 2>/dev/null || :");
    }

    /**
     * A clock that is an hour behind. Hosts share this machine's clock, so a program named date precedes the real one
     * on the PATH.
     */
    public static Fault clockBehind(String host) {
        return fault(host,
                "printf '#!/bin/sh\\nexec /usr/bin/date -d \"1 hour ago\" \"$@\"\\n' >/usr/local/bin/date; chmod +x "
                        + "/usr/local/bin/date",
                "rm -f /usr/local/bin/date");
    }

    /** A table that a transaction locks: a dump of it waits half-way. */
    public static Fault lockedTable(String table) {
        return fault("core", "docker exec -d ktrdr-db psql -q -U ktrdr -d ktrdr -c 'BEGIN; LOCK TABLE " + table
                + " IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)'",
                "for i in $(seq 100); do docker exec ktrdr-db psql -U ktrdr -d ktrdr -Atqc \"select "
                        + "pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid "
                        + "<> pg_backend_pid()\""
                        + " >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1");
    }

    /** The database asks for a password also on its container's own socket. */
    public static Fault databasePassword() {
        var hba = "docker exec -u postgres ktrdr-db sh -c 'f=$PGDATA/pg_hba.conf; %s; psql -q -h 127.0.0.1 -U ktrdr "
                + "-d ktrdr -c \"select pg_reload_conf()\" >/dev/null || kill -HUP 1; sleep 0.5'";
        return fault("core", hba.formatted("cp $f $f.kept; sed -i \"1i local all all scram-sha-256\" $f"),
                hba.formatted("[ ! -e $f.kept ] || mv $f.kept $f"));
    }

    /** A host's container cannot connect to this port of an address. */
    public static Fault unreachable(String host, String container, String address, int port) {
        var own = World.on(host, "docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "
                + container);
        return rule(host, "", "DOCKER-USER -s " + own + " -d " + address + " -p tcp --dport " + port + " -j REJECT");
    }

    /** Packets from an address to this port of a host's containers are dropped. */
    public static Fault closed(String host, String address, int port) {
        return rule(host, "", "DOCKER-USER -s " + address + " -p tcp --dport " + port + " -j DROP");
    }

    /** A container refuses connections to a port that it listens on. */
    public static Fault refusing(String host, String container, int port) {
        var first = World.on(host, "docker inspect --format '{{.State.Pid}}' " + container);
        return rule(host, "nsenter -n -t " + first + " ",
                "INPUT -p tcp --dport " + port + " -j REJECT --reject-with tcp-reset");
    }

    private static Fault rule(String host, String within, String rule) {
        return fault(host, within + "iptables -I " + rule,
                "while " + within + "iptables -D " + rule + " 2>/dev/null; do :; done");
    }
}
