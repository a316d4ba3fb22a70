package ktrdr.deploy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.image.GivenImage;
import ktrdr.image.ImageArchive;
import picocli.CommandLine.Option;

/** The images that {@code deploy} takes from this machine instead of the registry. */
public final class LocalChoice {
    @Option(names = "--local", paramLabel = "IMAGE[:TAG]",
            description = "Send this image of this machine's Docker to the nodes instead of pulling a release; once "
                    + "for each image of KTRDR that they run.") List<String> local = List.of();
    @Option(names = "--archive", paramLabel = "FILE.tar",
            description = "The same of an archive (docker save, or OCI), on a machine without Docker.")
    List<Path> archives = List.of();

    /** Whether any were given. */
    public boolean given() {
        return !local.isEmpty() || !archives.isEmpty();
    }

    /** Refuses a tag as well: theirs is made of their digests. */
    public void without(String tag) {
        if (given() && tag != null) throw Problem.usage("--tag does not apply with --local or --archive: the tag of "
                + "what they send is made of its digest").found("--tag " + tag).fix("leave --tag out");
    }

    /** Opens them; what cannot be read is a {@link Problem}. */
    List<ImageArchive> open(Console console) {
        var opened = new ArrayList<ImageArchive>();
        try {
            for (var file : archives) opened.add(ImageArchive.of(file));
            if (!local.isEmpty()) opened.add(ImageArchive.saved(local, console));
            return opened;
        } catch (Problem problem) {
            opened.forEach(ImageArchive::close);
            throw problem;
        }
    }

    /** Whether an image was named one by one, so that each has to be of use; an archive may hold others too. */
    boolean named(GivenImage image) {
        return image.names().stream().anyMatch(local::contains);
    }
}
