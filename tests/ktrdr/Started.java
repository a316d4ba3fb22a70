package ktrdr;

import java.io.IOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * Starts an {@link SshPeer} field of a test class in the temporary folder before each test, and stops it afterwards. It
 * listens on the given address: 0.0.0.0 for all interfaces.
 */
@Target(ElementType.FIELD)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(Started.Peer.class)
public @interface Started {
    String value() default "127.0.0.1";

    /** Starts and stops the server. */
    final class Peer implements BeforeEachCallback, AfterEachCallback {
        @Override
        public void beforeEach(ExtensionContext context) throws IOException, IllegalAccessException {
            var test = context.getRequiredTestInstance();
            var folder = AnnotationSupport.findAnnotatedFieldValues(test, TempDir.class, Path.class).get(0);
            var field = AnnotationSupport.findAnnotatedFields(test.getClass(), Started.class).get(0);
            field.setAccessible(true);
            field.set(test, new SshPeer(folder, field.getAnnotation(Started.class).value()));
        }

        @Override
        public void afterEach(ExtensionContext context) throws IOException {
            var test = context.getRequiredTestInstance();
            for (var peer : AnnotationSupport.findAnnotatedFieldValues(test, Started.class, SshPeer.class))
                if (peer != null) peer.close();
        }
    }
}
