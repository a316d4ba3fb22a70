package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Answers recorded from PostgreSQL containers of the practice fleet with different data directories. */
class DatabaseDataTest {
    private static final String VOLUME = "ktrdr-core_db-data";
    private static final String NAMED = """
            {"Type":"volume","Name":"ktrdr-core_db-data","Source":"/var/lib/docker/volumes/ktrdr-core_db-data/_data",\
            "Destination":"/home/postgres/pgdata/data",\
            "Driver":"local","Mode":"z","RW":true,"Propagation":""}""";
    private static final String ANONYMOUS = """
            {"Type":"volume","Name":"fc37cf7ddb78e7babe3808dc0093ef8da38ae3e9adc6a87250a113a46bccff0e",\
            "Source":"/var/lib/docker/volumes/fc37cf7ddb78e7babe3808dc0093ef8da38ae3e9adc6a87250a113a46bccff0e/_data",\
            "Destination":"/home/postgres/pgdata/data",\
            "Driver":"local","Mode":"","RW":true,"Propagation":""}""";
    private static final String BIND = """
            {"Type":"bind","Source":"/root/look-bind","Destination":"/home/postgres/pgdata/data","Mode":"","RW":true,\
            "Propagation":"rprivate"}""";
    private static final String TMPFS = """
            {"Type":"tmpfs","Source":"","Destination":"/home/postgres/t2","Mode":"","RW":true,"Propagation":""}""";
    private static final String DATA = "/home/postgres/pgdata/data";
    @TempDir Path folder;

    private static DatabaseData data(String mounts, String fact, String directory) {
        return DatabaseData.parse("mounts\t[" + mounts + "]\n" + fact + "\t" + directory + "\nend\tyes\n");
    }

    private static String found(String mounts, String directory) {
        return data(mounts, "asked", directory).outside("core", VOLUME).orElseThrow().details().get("found");
    }

    @Test
    void data_in_the_volume_that_compose_mounts_is_safe() {
        assertEquals(Optional.empty(), data(NAMED, "asked", DATA).outside("core", VOLUME));
        assertEquals(Optional.empty(), data(NAMED, "asked", DATA + "/17/main").outside("core", VOLUME));
        assertEquals(Optional.empty(), data(NAMED, "pgdata", DATA).outside("core", VOLUME));
    }

    @Test
    void without_a_container_there_is_nothing_to_lose() {
        assertEquals(Optional.empty(), DatabaseData.parse("end\tyes\n").outside("core", VOLUME));
    }

    @Test
    void data_elsewhere_is_told_with_where_it_lies() {
        assertEquals("/home/postgres/inside, in the container itself", found(ANONYMOUS, "/home/postgres/inside"));
        assertEquals(DATA + ", in a volume without a name, fc37cf7ddb78…", found(ANONYMOUS, DATA));
        assertEquals(DATA + ", in the folder /root/look-bind of the node", found(BIND, DATA));
        assertEquals("/home/postgres/t2/d, in a mount of type tmpfs",
                found(TMPFS + "," + NAMED, "/home/postgres/t2/d"));
        // a folder next to the volume's with the same prefix
        assertEquals(DATA + "base, in the container itself", found(NAMED, DATA + "base"));
    }

    @Test
    void another_volume_than_the_one_that_compose_mounts_is_no_better() {
        assertEquals(DATA + ", in the volume look-other", found(NAMED.replace(VOLUME, "look-other"), DATA));
    }

    @Test
    void the_innermost_mount_is_where_the_data_lies() {
        var outer = NAMED.replace("\"Destination\":\"" + DATA, "\"Destination\":\"/home/postgres/");
        assertEquals(DATA + ", in the folder /root/look-bind of the node", found(outer + "," + BIND, DATA));
        assertEquals(Optional.empty(), data(outer, "asked", DATA).outside("core", VOLUME));
    }

    @Test
    void refuses_a_container_that_does_not_name_its_data_folder() {
        var problem = data("", "pgdata", "").outside("core", VOLUME).orElseThrow();
        assertEquals("core: a new database container would not have the data of the current one",
                problem.sentence());
        assertEquals("a container that does not report where its data is", problem.details().get("found"));
        assertEquals("PGDATA in the volume " + VOLUME, problem.details().get("expected"));
    }

    @Test
    void half_an_answer_is_none() {
        assertThrows(Problem.class, () -> DatabaseData.parse(""));
        assertThrows(Problem.class, () -> DatabaseData.parse("mounts\t[{\"Type\"\nend\tyes\n"));
    }

    /** Runs the script with a stand-in for docker. */
    private DatabaseData look(String docker) throws IOException {
        Fixtures.program(folder.resolve("docker"), docker);
        var answer = LocalCommand.command("sh", "-s")
                .input("PATH=" + Sh.quote(folder.toString()) + ":$PATH\n" + Sh.whole(DatabaseData.script("ktrdr-db")))
                .must().out();
        assertFalse(answer.contains("the password"), answer);
        return DatabaseData.parse(answer);
    }

    @Test
    void reads_only_pgdata_of_a_stopped_container() throws IOException {
        var stopped = look("""
                case $* in
                  *Mounts*) printf '%s\\n' '[]' ;;
                  exec*) echo 'container is not running' >&2; exit 1 ;;
                  *Env*) printf '%s\\n' 'POSTGRES_PASSWORD=the password' 'PGDATA=/var/lib/post gres' 'NOT_PGDATA=the \
                password' ;;
                esac
                """);
        assertTrue(stopped.there());
        assertFalse(stopped.asked());
        assertEquals("/var/lib/post gres", stopped.directory());
        assertFalse(look("exit 1\n").there());
    }

    @Test
    void the_script_is_clean_shell() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        var said = LocalCommand.command("shellcheck", "-S", "warning", "-")
                .input("#!/bin/sh\nset -eu\n" + DatabaseData.script("ktrdr-db")).run();
        assertTrue(said.ok(), said::out);
    }
}
