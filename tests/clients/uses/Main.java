// A client by openapi-generator's `java` (library `native`).
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.ItemsApi;
import org.openapitools.client.api.UsersApi;
import org.openapitools.client.model.*;

public class Main {
  static void check(boolean good, String what) {
    if (!good) throw new AssertionError(what);
  }

  public static void main(String[] arguments) throws ApiException {
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    UsersApi users = new UsersApi(client);
    users.registerUser(new Registration().username("java").password("correct horse"));
    String token =
        users.signIn(new Credentials().username("java").password("correct horse")).getData().getToken();
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
    ItemsApi items = new ItemsApi(client);

    OffsetDateTime start = OffsetDateTime.now();
    List<Long> made = new ArrayList<>();
    for (int n = 0; n < 5; n++) {
      made.add(items.createItem(new ItemDraft().data("item " + n), null).getData().getId());
    }
    List<Long> found = new ArrayList<>();
    String after = null;
    do {
      ItemPage page = items.listItems(null, null, null, null, "java", 2, after, null);
      page.getData().forEach(item -> found.add(item.getId()));
      String next = page.getNext();
      after = next == null ? null : next.replaceAll(".*[?&]after=([^&]*).*", "$1");
      after = after == null ? null : java.net.URLDecoder.decode(after, java.nio.charset.StandardCharsets.UTF_8);
    } while (after != null);
    check(found.equals(made), "pages");

    String tag = items.getItemWithHttpInfo(made.get(0), null).getHeaders().get("etag").get(0);
    ItemReplacement body = new ItemReplacement().data("changed");
    check(items.replaceItem(made.get(0), body, tag, null).getData().getVersion() == 2, "update");
    try {
      items.replaceItem(made.get(0), body, tag, null);
      check(false, "a stale ETag");
    } catch (ApiException error) {
      check(error.getCode() == 412, "a stale ETag");
    }
    check(items.listItems(null, null, start, null, "java", null, null, null).getData().size() == 5, "times");
    OffsetDateTime tomorrow = start.plusDays(1);
    check(items.listItems(null, null, tomorrow, null, null, null, null, null).getData().isEmpty(), "tomorrow");
    check(new UsersApi(client).revokeCurrentToken().getSuccess(), "revoke");
  }
}
