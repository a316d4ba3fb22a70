package ktrdr.release;

import java.util.List;
import java.util.Map;
import ktrdr.Fixtures;
import ktrdr.node.Docker;
import ktrdr.node.Gpu;
import ktrdr.node.Mount;
import ktrdr.node.NodeContainer;
import ktrdr.node.NodeFiles;
import ktrdr.node.Occupant;

/** {@link StackFacts} for tests: a healthy node on which nothing runs, except for what a test sets. */
public final class StackFactsBuilder {
    private String docker = "26.1.5";
    private String dockerError = "";
    private String compose = "2.26.1";
    private long free = 50_000_000_000L;
    private long memory = 16_000_000_000L;
    private boolean directory = true;
    private Mount share = Fixtures.SHARE;
    private List<String> missing = List.of();
    private NodeFiles files = NodeFiles.NONE;
    private Map<String, String> images = Map.of();
    private List<Docker.Container> containers = List.of();
    private Map<String, List<String>> digests = Map.of();
    private History history = History.NONE;
    private List<NodeContainer> beside = List.of();
    private String takeover = "";
    private Gpu gpu = Gpu.UNKNOWN;

    private StackFactsBuilder() {}

    public static StackFactsBuilder node() {
        return new StackFactsBuilder();
    }

    public StackFactsBuilder docker(String docker) {
        this.docker = docker;
        return this;
    }

    public StackFactsBuilder dockerError(String dockerError) {
        this.dockerError = dockerError;
        return this;
    }

    public StackFactsBuilder compose(String compose) {
        this.compose = compose;
        return this;
    }

    public StackFactsBuilder free(long free) {
        this.free = free;
        return this;
    }

    public StackFactsBuilder memory(long memory) {
        this.memory = memory;
        return this;
    }

    public StackFactsBuilder directory(boolean directory) {
        this.directory = directory;
        return this;
    }

    public StackFactsBuilder share(Mount share) {
        this.share = share;
        return this;
    }

    public StackFactsBuilder missing(List<String> missing) {
        this.missing = missing;
        return this;
    }

    public StackFactsBuilder files(NodeFiles files) {
        this.files = files;
        return this;
    }

    public StackFactsBuilder images(Map<String, String> images) {
        this.images = images;
        return this;
    }

    public StackFactsBuilder containers(List<Docker.Container> containers) {
        this.containers = containers;
        return this;
    }

    public StackFactsBuilder digests(Map<String, List<String>> digests) {
        this.digests = digests;
        return this;
    }

    public StackFactsBuilder history(History history) {
        this.history = history;
        return this;
    }

    public StackFactsBuilder beside(List<NodeContainer> beside) {
        this.beside = beside;
        return this;
    }

    public StackFactsBuilder takeover(String takeover) {
        this.takeover = takeover;
        return this;
    }

    public StackFactsBuilder gpu(Gpu gpu) {
        this.gpu = gpu;
        return this;
    }

    public StackFacts build() {
        return new StackFacts("root", docker, dockerError, compose, free, memory, directory, share, missing, files,
                images, containers, digests, history, beside, takeover, gpu, "", Occupant.UNKNOWN);
    }
}
