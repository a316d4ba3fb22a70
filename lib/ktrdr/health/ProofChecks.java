package ktrdr.health;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.Optional;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.release.ComposeService;
import ktrdr.release.ServiceProof;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.Check.Finding;
import ktrdr.report.CheckId;

/** The proofs that services ask for in their Compose file, made from this machine as a user of the service would. */
public final class ProofChecks {
    /** The kind of these checks. */
    public static final String KIND = "proof";
    private static final int CONNECT_MILLIS = 5000;
    private final Inventory inventory;
    private final Http http;

    public ProofChecks(Inventory inventory, Http http) {
        this.inventory = inventory;
        this.http = http;
    }

    /** A check for each of these services of a stack that asks for a proof. */
    public List<Check> checks(Stack stack, List<String> services) {
        return services.stream().map(stack.file()::service).flatMap(Optional::stream)
                .flatMap(service -> service.proof().stream().map(proof -> check(stack.node(), service, proof)))
                .toList();
    }

    private Check check(Node node, ComposeService service, ServiceProof proof) {
        var host = inventory.fqdn(node);
        var address = host + ":" + proof.port();
        var id = CheckId.ofNode(node, service.name(), KIND);
        var fix = "on " + node.name() + ": docker logs " + service.container();
        if (!proof.http()) return Check.of(id, node.name(), "a connection to " + address + " is taken", fix,
                () -> connect(host, proof.port()));
        var url = "http://" + address + proof.path();
        return Check.of(id, node.name(), "GET " + url + " " + proof.words(), fix, () -> asked(url, proof));
    }

    private Finding asked(String url, ServiceProof proof) {
        var answer = http.get(url);
        if (!answer.ok()) return Finding.bad(answer.status() + " " + Console.brief(answer.body(), 200));
        if (proof.field().isEmpty()) return Finding.good(String.valueOf(answer.status()));
        var found = field(Http.json(url, answer), proof.field());
        boolean good = !found.isMissingNode() && !found.isNull()
                && proof.expected().map(value -> found.asText().equals(value)).orElse(true);
        return good ? Finding.good(proof.field() + ": " + Console.brief(found.asText(), 100))
                : Finding.bad(Console.brief(answer.body(), 200));
    }

    /** A field of an answer; a dot goes into a part of it. */
    private static JsonNode field(JsonNode answer, String path) {
        var at = answer;
        for (var name : path.split("\\.")) at = at.path(name);
        return at;
    }

    private Finding connect(String host, int port) {
        var at = inventory.overrides().getOrDefault(host, host);
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(at, port), CONNECT_MILLIS);
            return Finding.good("it is taken");
        } catch (IOException refused) {
            return Finding.bad(Console.brief(String.valueOf(refused.getMessage()), 200));
        }
    }
}
