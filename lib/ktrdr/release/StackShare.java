package ktrdr.release;

import java.util.List;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Mount;

/** The share on a node, and what is wrong with it. */
public record StackShare(Inventory inventory, Node node) {
    /** Whether the node has it: a stack of one's own does where its Compose file mounts it, or the node exports it. */
    public boolean there() {
        if (!node.role().own() || inventory.exportsShare(node)) return true;
        var compose = new Templates(inventory).render(node, "", RoleFiles.compose(inventory, node.role())).content();
        return Templates.variables(compose).stream().anyMatch(List.of("SHARE_SOURCE", "SHARE_MOUNT")::contains);
    }

    /** Its folder there: the export itself on its server, the mount elsewhere. */
    String path() {
        return Mount.path(inventory, node);
    }

    /** The problem of a share without these folders. */
    public Problem lacks(List<String> missing) {
        return Problem.failed(node.name() + ": the share at " + path() + " lacks folders that containers mount")
                .expected(path() + "/" + String.join(", " + path() + "/", missing))
                .found("no such folder").fix(makeFolders(missing));
    }

    /** The fix that creates these folders of the share. */
    public String makeFolders(List<String> missing) {
        var unnamed = missing.stream().filter(folder -> !inventory.storage().folders().contains(folder)).toList();
        var add = unnamed.isEmpty() ? ""
                : "add " + String.join(", ", unnamed) + " to storage.folders in the inventory, then ";
        return inventory.storageNode().map(server -> add + "jbang setup-nfs@ktrdr " + server.name())
                .orElse("make them on " + inventory.storage().server() + ", owner 999:1500, mode 2775");
    }

    /** What is wrong with the mount that was found; empty if containers can write to it. */
    public Optional<Problem> wrong(Mount found) {
        return there() ? Mount.wrong(inventory, node, found) : Optional.empty();
    }
}
