import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lab.Aftermath;
import lab.NetworkNamespace;
import lab.Toolkit;
import lab.Toolkit.Ran;
import lab.Underway;
import lab.World;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The machine that watches is a laptop: its address changes, and it sleeps. Here it is a network namespace with its own
 * address on the hosts' network.
 */
@Tag("fleet")
class AwayTest {
    private static final Pattern ROUND = Pattern.compile("(?m)^\\d{4}-.*Z  (ok|NOT WELL)  (\\d) of 3 nodes, ");
    private NetworkNamespace away;

    @BeforeAll
    static void a_release_runs() {
        Aftermath.deployed();
    }

    @BeforeEach
    void a_machine_on_the_network_of_the_hosts() {
        away = NetworkNamespace.open();
        away.link("eth0", NetworkNamespace.ours(), "away");
        NetworkNamespace.ours().sh("ip link set away master " + World.bridge());
        away.sh("ip address add 10.42.1.77/24 dev eth0");
    }

    @AfterEach
    void gone() {
        away.close();
    }

    /** Open connections die silently: the other side gets no packet. */
    private void moves(String from, String to) {
        // removing the first address of a network removes its other addresses too
        away.sh("ip address del " + from + "/24 dev eth0; ip address add " + to + "/24 dev eth0");
    }

    private Toolkit away(String... words) {
        return ktrdr(words).under(away.within());
    }

    private static List<String> rounds(Ran said) {
        return ROUND.matcher(said.out() + said.err()).results().map(round -> round.group(2)).toList();
    }

    /** Waits for three more rounds, the last two with all nodes. */
    private static void goesOn(Underway watch) {
        var before = new int[1];
        watch.await(said -> (before[0] = rounds(said).size()) >= 0);
        watch.await(said -> rounds(said).size() >= before[0] + 3
                && rounds(said).subList(rounds(said).size() - 2, rounds(said).size()).equals(List.of("3", "3")));
    }

    @Test
    void a_watch_goes_on_when_the_address_changes_and_after_a_sleep() {
        try (var watch = away("status", "--watch", "--interval", "1s").start()) {
            goesOn(watch);
            moves("10.42.1.77", "10.42.1.78");
            goesOn(watch);
            watch.signal("STOP");
            moves("10.42.1.78", "10.42.1.79");
            watch.signal("CONT");
            goesOn(watch);
            watch.signal("INT");
            assertEquals(130, watch.end().exit());
        }
    }

    private static void print(String line) {
        World.on("workers-b", "docker exec backtest-worker-1 sh -c 'echo " + line + " >/proc/1/fd/1'");
    }

    @Test
    void following_loses_and_repeats_no_line_when_the_address_changes() {
        var mark = "away-" + System.nanoTime() + "-";
        try (var follow = away("logs", "B", "backtest-worker-1", "-f").start()) {
            print(mark + 1);
            follow.await(said -> said.out().contains(mark + 1));
            moves("10.42.1.77", "10.42.1.78");
            for (int i = 2; i < 6; i++) print(mark + i);
            follow.await(said -> said.out().contains(mark + 5));
            follow.signal("INT");
            var said = follow.end();
            assertEquals(IntStream.range(1, 6).mapToObj(i -> mark + i).toList(),
                    said.out().lines().filter(line -> line.contains(mark)).map(line -> line.replaceFirst(".* ", ""))
                            .toList(), said::toString);
            assertTrue(said.exit() == 130 || said.exit() == 0, said::toString);
        }
    }
}
