package ktrdr.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.Sh;
import ktrdr.backup.BackupFolder;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.release.Templates;

/**
 * The script that puts an installation aside: it stops the containers, copies their data into volumes of the toolkit
 * and puts each container {@link Aside}. {@link KeptInstallation} is the way back.
 *
 * @param plan of what takes its place
 */
record AsideScript(Inventory inventory, NodePlan plan, Installation there) {
    /** Lists on the node what is aside; see {@link InstallationTakeover}. */
    static final String FILE = NodeFiles.OURS + "/takeover";
    /** The folder with the files that the installation had in the places of the stack's. */
    static final String BEFORE = NodeFiles.OURS + "/before-takeover";
    /** The container that copies a volume. */
    static final String COPYING = "ktrdr-takeover-copy";

    String text() {
        var project = plan.stack().project();
        var script = new StringBuilder(Facts.SAY + Aside.ENGINE + keepFiles() + writeList() + stop());
        for (var copy : there.copies()) script.append(copy(project, copy));
        for (var json : there.replaced()) script.append(putAside(json));
        return script + "say end yes\n";
    }

    private String keepFiles() {
        return "cd -P \"$directory\"\numask 077\nrm -rf " + BEFORE + " && mkdir " + BEFORE + "\n"
                + "for path in " + Sh.words(paths()) + "; do [ ! -e \"$path\" ] || { mkdir -p \"$(dirname \""
                + BEFORE + "/$path\")\" && cp -a \"$path\" \"" + BEFORE + "/$path\"; } || exit 1; done\n";
    }

    private String writeList() {
        var lines = new StringBuilder("{\n  echo state open\n");
        for (var json : there.replaced()) lines.append("  echo ")
                .append(Sh.words(List.of("container", Aside.name(json), json.path("Id").asText(),
                        Installation.runs(json) ? "yes" : "no", Installation.well(json) ? "well" : "unwell")))
                .append('\n');
        for (var copy : there.copies()) if (!copy.source().isEmpty())
            lines.append("  echo ").append(Sh.words(List.of("volume", copy.source()))).append('\n');
        return lines + "} >" + FILE + ".new && sync -d " + FILE + ".new && mv " + FILE + ".new " + FILE
                + " || exit 1\n";
    }

    /** The database is the last to be stopped; its rows are counted before. */
    private String stop() {
        var rest = there.names().stream().filter(name -> there.database().filter(name::equals).isEmpty()).toList();
        return (rest.isEmpty() ? "" : Aside.stop(rest)) + there.database().map(name ->
                measure(inventory, name) + "docker stop " + Sh.quote(name) + " >/dev/null || exit 1\n").orElse("");
    }

    private String putAside(JsonNode json) {
        var name = Aside.name(json);
        boolean layer = there.copies().stream().anyMatch(copy -> copy.layer() && copy.container().equals(name));
        return Aside.put(json, layer ? Optional.of(image(name)) : Optional.empty())
                + "[ $? = 0 ] || exit 1\ndocker rm " + Sh.quote(name) + " >/dev/null || exit 1\n";
    }

    /** The image that is made of a container whose data lies in itself. */
    private static String image(String container) {
        return "ktrdr-before-takeover:" + container;
    }

    /** The paths of the stack's files, at which the installation may have had its own. */
    private List<String> paths() {
        return plan.revision().files().stream().map(Templates.NodeFile::path).toList();
    }

    /** Counts the rows of the database, which only workers write to by then. */
    static String measure(Inventory inventory, String container) {
        return BackupFolder.measure(new Templates(inventory))
                + Sh.let("database", inventory.database().name()) + """
                        measure_sql | docker exec -i CONTAINER sh -c 'exec psql -w -X -Atq -v ON_ERROR_STOP=1 -U \
                        "$POSTGRES_USER" -d "$1"' sh "$database" >/dev/shm/ktrdr-takeover.$$ || exit 1
                        while IFS= read -r line; do say rows "$line"; done </dev/shm/ktrdr-takeover.$$
                        rm -f /dev/shm/ktrdr-takeover.$$
                        """.replace("CONTAINER", container);
    }

    static Map<String, Long> rows(Facts facts) {
        var rows = new TreeMap<String, Long>();
        for (var line : facts.all("rows")) {
            var table = Json.parse(line, "the database");
            rows.put(table.path("table").asText(), table.path("rows").asLong());
        }
        return rows;
    }

    /** An image with the programs that copy: the database's, else that of the container itself. */
    private String copier(Installation.Copy copy) {
        return plan.image(Part.DATABASE).map(Docker.Image::reference).orElseGet(() -> there.replaced().stream()
                .filter(json -> Aside.name(json).equals(copy.container())).map(json -> json.path("Image").asText())
                .findFirst().orElseThrow());
    }

    private String copy(String project, Installation.Copy copy) {
        var from = copy.layer() ? image(copy.container()) : copier(copy);
        return (copy.layer() ? "docker commit " + Sh.words(List.of(copy.container(), from))
                + " >/dev/null || exit 1\nprintf 'image %s\\n' " + Sh.quote(from) + " >>" + FILE + "\n" : "")
                + "docker rm -f " + COPYING + " >/dev/null 2>&1 || :\n"
                + "docker volume create --label " + Docker.PROJECT + "=" + project +
                " --label com.docker.compose.volume=" + copy.volume().substring(project.length() + 1)
                + " --label " + Aside.LABEL + "=" + project + " " + Sh.quote(copy.volume()) + " >/dev/null || exit 1\n"
                // cp says which file it was, where the disk is full
                + "docker run --rm --name " + COPYING + " --network none --user 0 --entrypoint sh" +
                (copy.layer() ? "" : " --volumes-from " + Sh.quote(copy.container() + ":ro"))
                + " -v " + Sh.quote(copy.volume() + ":/ktrdr-copy") + " " + Sh.quote(from) +
                " -c 'cd \"$1\" && cp -a . /ktrdr-copy/ && sync' sh " + Sh.quote(copy.directory()) + " >&2 || exit 1\n";
    }
}
