package pictures;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;

/** A screenshot as a file of the documentation. */
public final class Picture {
    /** In CSS pixels, which are the picture's. */
    public static final int WIDTH = 1600;

    private Picture() {}

    /** Writes it as PNG, as small as deflate makes it, and answers its size in bytes. */
    public static int write(BufferedImage shown, Path file) throws IOException {
        // an opaque picture: the alpha channel would say nothing
        var opaque = new BufferedImage(shown.getWidth(), shown.getHeight(), BufferedImage.TYPE_INT_RGB);
        opaque.createGraphics().drawImage(shown, 0, 0, null);
        var bytes = new ByteArrayOutputStream();
        var writer = ImageIO.getImageWritersByFormatName("png").next();
        try (var stream = ImageIO.createImageOutputStream(bytes)) {
            var small = writer.getDefaultWriteParam();
            small.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            small.setCompressionQuality(0);
            writer.setOutput(stream);
            writer.write(null, new IIOImage(opaque, null, null), small);
        } finally {
            writer.dispose();
        }
        Files.write(file, bytes.toByteArray());
        return bytes.size();
    }
}
