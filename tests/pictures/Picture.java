package pictures;

import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;

/** A screenshot for the documentation. */
public final class Picture {
    /** In CSS pixels, equal to the picture's pixels. */
    public static final int WIDTH = 1600;

    private Picture() {}

    /** Writes a PNG of at most 256 colours with maximum compression, and returns its size in bytes. */
    public static int write(BufferedImage shown, Path file) throws IOException {
        var colours = colours(shown);
        var palette = colours.stream().mapToInt(Integer::intValue).toArray();
        var few = new BufferedImage(shown.getWidth(), shown.getHeight(), BufferedImage.TYPE_BYTE_INDEXED,
                new IndexColorModel(8, palette.length, palette, 0, false, -1, DataBuffer.TYPE_BYTE));
        var known = new HashMap<Integer, Integer>();
        for (int y = 0; y < shown.getHeight(); y++)
            for (int x = 0; x < shown.getWidth(); x++)
                few.getRaster().setSample(x, y, 0,
                        known.computeIfAbsent(shown.getRGB(x, y) & 0xffffff, colour -> nearest(colour, palette)));
        var bytes = new ByteArrayOutputStream();
        var writer = ImageIO.getImageWritersByFormatName("png").next();
        try (var stream = ImageIO.createImageOutputStream(bytes)) {
            var small = writer.getDefaultWriteParam();
            small.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            small.setCompressionQuality(0);
            writer.setOutput(stream);
            writer.write(null, new IIOImage(few, null, null), small);
        } finally {
            writer.dispose();
        }
        Files.write(file, bytes.toByteArray());
        return bytes.size();
    }

    /**
     * The most frequent colour in each of the 256 largest groups; a group shares the upper five bits of red, green and
     * blue.
     */
    private static List<Integer> colours(BufferedImage shown) {
        var counts = new HashMap<Integer, Integer>();
        for (int y = 0; y < shown.getHeight(); y++)
            for (int x = 0; x < shown.getWidth(); x++) counts.merge(shown.getRGB(x, y) & 0xffffff, 1, Integer::sum);
        var kinds = counts.entrySet().stream().collect(Collectors.groupingBy(colour -> colour.getKey() & 0xf8f8f8));
        Comparator<Map.Entry<Integer, Integer>> frequent = Map.Entry.comparingByValue();
        return kinds.values().stream()
                .sorted(Comparator.comparingInt((List<Map.Entry<Integer, Integer>> kind) ->
                        kind.stream().mapToInt(Map.Entry::getValue).sum()).reversed())
                .limit(256).map(kind -> kind.stream().max(frequent).orElseThrow().getKey()).toList();
    }

    private static int nearest(int colour, int[] palette) {
        int best = 0;
        for (int i = 1; i < palette.length; i++)
            if (distance(colour, palette[i]) < distance(colour, palette[best])) best = i;
        return best;
    }

    private static int distance(int number, int other) {
        int sum = 0;
        for (int shift = 0; shift < 24; shift += 8) {
            int gap = (number >> shift & 255) - (other >> shift & 255);
            sum += gap * gap;
        }
        return sum;
    }
}
