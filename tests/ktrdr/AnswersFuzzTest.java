package ktrdr;

import java.util.function.Consumer;
import ktrdr.backup.BackupRecord;
import ktrdr.backup.BackupRecordTest;
import ktrdr.logs.LogScript;
import ktrdr.node.Database;
import ktrdr.node.DatabaseData;
import ktrdr.node.MachineFacts;
import ktrdr.release.History;
import ktrdr.release.LockScripts;
import ktrdr.release.StackFacts;
import ktrdr.release.StackFactsTest;
import ktrdr.share.NfsFacts;
import ktrdr.status.NodeStatus;
import ktrdr.status.StatusFixtures;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Parses damaged answers of nodes, or refuses them with a one-line error. */
class AnswersFuzzTest {
    private static final String MACHINE = StatusFixtures.MACHINE + """
            user	root
            os	Debian GNU/Linux 12 (bookworm)
            kernel	6.8.12-4-pve
            listen 22	sshd
            compose	2.26.1
            free	1000
            ping core	0.04
            connect 10.0.0.10 22	open
            resolve backend.ktrdr.test	10.0.0.10
            registry	401
            """;
    private static final String NODE = MACHINE + "directory\tyes\nfile .env.core\t" + "a".repeat(64) +
            " 644 0:0 4\ncontent .env.core\tQT0xCg==\nmanifest\tYQ==\nimage r/b:t\tsha256:1\n"
            + "digests sha256:1\t[\"r/b@sha256:a\"]\n" + "container\t" + StackFactsTest.CONTAINER +
            "\nbeat\t12\nbackup\tktrdr 12 1790000000\nend\tyes\n";
    private static final String NFS =
            "uid\t0\nrelease\t6.12.117\ncontainer\tnone\nprivileged\tyes\napt\tyes\nkernel\tnfs\nmount\t/mnt/"
                    + "ktrdr-shared\t0\t10.0.0.10:/srv/ktrdr-shared /mnt/ktrdr-shared nfs rw,vers=3 0 0\t\n"
            + "point\t1 0 ----i---------e------- \nend\tyes\n";
    private static final String DATA =
            "mounts\t[{\"Type\":\"volume\",\"Name\":\"ktrdr-core_db-data\",\"Destination\":\"/var/lib/postgresql/"
                    + "data\"}]\ndirectory\t/var/lib/postgresql/data\nend\tyes\n";
    private static final String LOCK =
            "taken\tno\nheld\t{\"id\":\"1\",\"who\":\"karl@laptop\",\"since\":\"2026-01-01T10:00:00Z\",\"what\":"
                    + "\"deploy\"}\nage\t3\nend\tyes\n";
    private static final String ENTRY =
            "{\"id\":\"1\",\"time\":\"2026-01-01T10:00:00Z\",\"who\":\"karl\",\"from\":\"laptop\",\"command\":"
                    + "\"deploy all\",\"target\":\"core\",\"tag\":\"sha-1\",\"services\":[\"backend\"],"
            + "\"images\":{\"backend\":{\"reference\":\"r:1\",\"id\":\"sha256:a\",\"digest\":\"r@sha256:a\"}},"
            + "\"configuration\":\"abc\",\"scale\":2,\"seconds\":10.5,\"outcome\":\"deployed\"}";
    private static final String LOG = "2026-01-01T10:00:00.000000001Z\tabc\tout\tthe line\n";
    private static final String CSV = "n,text\n1,\"a, \"\"b\"\"\nc\"\n2,\n";

    @Provide
    Arbitrary<String> nodes() {
        return Mutants.of(NODE, MACHINE + "end\tyes\n");
    }

    private static void reads(String text, Consumer<String> reader) {
        Mutants.calm(() -> reader.accept(text));
    }

    @Property(seed = Mutants.SEED)
    void before_a_deployment(@ForAll("nodes") String text) {
        reads(text, StackFacts::parse);
    }

    @Property(seed = Mutants.SEED)
    void of_a_machine_and_what_runs_there(@ForAll("nodes") String text) {
        reads(text, answer -> NodeStatus.parse(MachineFacts.of(answer, 0, 10)));
    }

    @Provide
    Arbitrary<String> shares() {
        return Mutants.of(NFS);
    }

    @Property(seed = Mutants.SEED)
    void of_a_share(@ForAll("shares") String text) {
        reads(text, NfsFacts::parse);
    }

    @Provide
    Arbitrary<String> databases() {
        return Mutants.of(DATA);
    }

    @Property(seed = Mutants.SEED)
    void of_where_data_lies(@ForAll("databases") String text) {
        reads(text, DatabaseData::parse);
    }

    @Provide
    Arbitrary<String> locks() {
        return Mutants.of(LOCK);
    }

    @Property(seed = Mutants.SEED)
    void of_a_lock(@ForAll("locks") String text) {
        reads(text, answer -> LockScripts.LockState.parse(answer).holder().ifPresent(LockScripts.Owner::words));
    }

    @Provide
    Arbitrary<String> histories() {
        return Mutants.of(ENTRY);
    }

    @Property(seed = Mutants.SEED)
    void of_a_history(@ForAll("histories") String text) {
        reads(text, History.Entry::parse);
    }

    @Provide
    Arbitrary<String> backups() {
        return Mutants.of(BackupRecordTest.TEXT);
    }

    @Property(seed = Mutants.SEED)
    void of_a_backup(@ForAll("backups") String text) {
        reads(text, BackupRecord::parse);
    }

    @Provide
    Arbitrary<String> logs() {
        return Mutants.of(LOG);
    }

    @Property(seed = Mutants.SEED)
    void of_a_log(@ForAll("logs") String text) {
        reads(text, LogScript.Piece::parse);
    }

    @Provide
    Arbitrary<String> rows() {
        return Mutants.of(CSV);
    }

    @Property(seed = Mutants.SEED)
    void of_a_database(@ForAll("rows") String text) {
        reads(text, Database::parse);
    }

    @Provide
    Arbitrary<String> quantities() {
        return Mutants.of("10s", "2m30s", "16GB", "1.5 MiB", "2026-01-01T10:00:00Z",
                "2026-01-01T10:00:00.123456789+02:00");
    }

    @Property(seed = Mutants.SEED)
    void of_durations_and_sizes(@ForAll("quantities") String text) {
        reads(text, Units::duration);
        reads(text, Units::size);
    }
}
