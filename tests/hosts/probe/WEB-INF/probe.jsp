<%@ page contentType="text/plain; charset=UTF-8" session="false" trimDirectiveWhitespaces="true" %>
<%@ page import="jakarta.websocket.*, jakarta.websocket.server.*, java.io.*, java.util.*" %>
<%!
  /** Sends back what it hears. */
  public static class Echo extends Endpoint implements MessageHandler.Whole<String> {
    private Session session;

    @Override public void onOpen(Session opened, EndpointConfig ignored) {
      session = opened;
      session.addMessageHandler(this);
    }

    @Override public void onMessage(String text) {
      try {
        session.getBasicRemote().sendText("heard " + text);
      } catch (IOException gone) {
        throw new UncheckedIOException(gone);
      }
    }
  }

  @Override public void jspInit() {
    ServerContainer sockets = (ServerContainer)
        getServletContext().getAttribute("jakarta.websocket.server.ServerContainer");
    try {
      sockets.addEndpoint(ServerEndpointConfig.Builder.create(Echo.class, "/chat/echo").build());
    } catch (DeploymentException failure) {
      throw new IllegalStateException(failure);
    }
  }
%>
<%
  String what = request.getPathInfo() == null ? "/" : request.getPathInfo();
  if (what.equals("/exit")) Runtime.getRuntime().halt(1);
  if (what.equals("/memory")) for (List<byte[]> all = new ArrayList<>();; ) all.add(new byte[1 << 20]);
  if (what.equals("/wait")) Thread.sleep(1000L * Integer.parseInt(request.getParameter("seconds")));
  if (what.equals("/fail")) response.sendError(500);
  if (what.equals("/long")) for (int line = 0; line < 2000; line++) out.println("the same line, again and again");
  if (what.equals("/body")) out.println(request.getInputStream().readAllBytes().length);
%>
version 1
client <%= request.getRemoteAddr() %>
scheme <%= request.getScheme() %>
host <%= request.getServerName() %>
