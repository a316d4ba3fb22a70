package ktrdr.image;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * An image of an archive, by its names, for one platform or several.
 *
 * @param names as Docker writes them, such as ghcr.io/kpiteira/ktrdr-backend:dev; none if it was not given one
 * @param from the archive, in words
 */
public record GivenImage(List<String> names, String from, List<ArchivedImage> platforms) {
    /** How sentences call it. */
    public String words() {
        return names.isEmpty() ? from : names.get(0);
    }

    /** The one for a platform. */
    public Optional<ArchivedImage> on(String platform) {
        return platforms.stream().filter(image -> image.platform().equals(platform)).findFirst();
    }

    /** The platforms that it is made for, in words. */
    public String made() {
        return platforms.stream().map(ArchivedImage::platform).distinct().collect(Collectors.joining(", "));
    }
}
