<%@ page contentType="text/html; charset=UTF-8" pageEncoding="UTF-8" session="false" trimDirectiveWhitespaces="true" %>
<%@ page import="java.net.*, java.sql.*, java.util.*, javax.naming.*, javax.sql.DataSource" %>
<%!
  /** What the page says instead of a row, in words an operator can act on. */
  static String reason(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SocketTimeoutException) return "the database does not answer (timed out)";
      if (cause instanceof NoRouteToHostException) return "the database cannot be reached (no route)";
      if (cause instanceof ConnectException) {
        return String.valueOf(cause.getMessage()).contains("timed out")
            ? "the database does not answer (timed out)" : "the database refuses connections (not running?)";
      }
      if (cause instanceof NamingException) return "no database is configured (jdbc/app is missing)";
      if (cause instanceof SQLException) {
        int code = ((SQLException) cause).getErrorCode();
        if (code == 1045 || code == 1698) return "the database refuses the application's account (access denied)";
        if (code == 1044 || code == 1049) return "the application's database is missing";
        if (code == 3118) return "the application's account is locked";
        if (code == 1130) return "the database does not admit this machine (host not allowed)";
        if (code == 3159) return "the database wants an encrypted connection";
        if (code == 1040) return "the database has too many connections";
        if (code > 0) return "the database failed (error " + code + ")";
      }
    }
    return "the database failed (" + failure.getClass().getSimpleName() + ")";
  }

  /** The first visit makes the table; who comes later finds it. */
  static void prepare(Connection database) throws SQLException {
    try (Statement statement = database.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS sidedish (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL,"
          + " korean VARCHAR(40) NOT NULL) DEFAULT CHARACTER SET utf8mb4");
      statement.execute("INSERT IGNORE INTO sidedish VALUES (1, 'kimchi', '김치'), (2, 'spinach', '시금치나물'),"
          + " (3, 'bean sprouts', '콩나물'), (4, 'lotus root', '연근조림'), (5, 'anchovies', '멸치볶음')");
    }
  }

  static String escape(Object text) {
    return String.valueOf(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
  }

  static String hostname() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException unknown) {
      return "unknown";
    }
  }
%>
<%
  String row = null, databaseHost = null, failure = null;
  long began = System.nanoTime();
  try {
    DataSource source = (DataSource) new InitialContext().lookup("java:comp/env/jdbc/app");
    try (Connection database = source.getConnection(); Statement statement = database.createStatement()) {
      String query = "SELECT id, name, korean, @@hostname FROM sidedish ORDER BY id LIMIT 1";
      ResultSet found;
      try {
        found = statement.executeQuery(query);
      } catch (SQLException missing) {
        if (missing.getErrorCode() != 1146) throw missing;
        prepare(database);
        found = statement.executeQuery(query);
      }
      if (found.next()) {
        row = found.getInt(1) + " " + found.getString(2) + " " + found.getString(3);
        databaseHost = found.getString(4);
      } else {
        failure = "the table sidedish is empty";
      }
    }
  } catch (Exception caught) {
    failure = reason(caught);
    application.log("sidedish: " + failure, caught);
  }
  long milliseconds = (System.nanoTime() - began) / 1000000;
  if (failure != null) {
    response.setStatus(503);
    response.setHeader("Retry-After", "5");
  }
  response.setHeader("Cache-Control", "no-store");
  String proxy = request.getHeader("X-Proxy-Name");
%>
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sidedish</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; --ink: #26221d; --paper: #fbf7f0; --line: #d9cfc0; --red: #c0392b; --green: #2e7d4f; }
  @media (prefers-color-scheme: dark) { :root { --ink: #f1ebe1; --paper: #1d1a17; --line: #4a433a; --red: #ff7b6b; --green: #6fcf97; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
         font: 1.05rem/1.6 system-ui, "Noto Sans KR", "Noto Sans CJK KR", sans-serif; }
  main { width: min(40rem, 100%); padding: 2rem 1.25rem; }
  h1 { margin: 0; font-size: 2.2rem; letter-spacing: -.02em; }
  .subtitle { margin: 0 0 2rem; opacity: .7; }
  .card { border: 1px solid var(--line); border-left: .4rem solid var(--green); border-radius: .5rem; padding: 1rem 1.25rem; font-size: 1.25rem; }
  .card.failed { border-left-color: var(--red); }
  .card small { display: block; font-size: .9rem; opacity: .7; }
  ol { list-style: none; margin: 1.5rem 0; padding: 0; display: grid; gap: .5rem; }
  li { display: grid; grid-template-columns: 7rem 1fr; border-bottom: 1px solid var(--line); padding-bottom: .5rem; }
  li span:first-child { opacity: .7; }
  code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
</style>
</head>
<body>
<main>
<h1>sidedish</h1>
<p class="subtitle" lang="ko">한 그릇에 담은 서비스 — 오늘의 반찬</p>
<% if (failure == null) { %>
<div class="card">row: <%= escape(row) %><small>read from MySQL in <%= milliseconds %> ms</small></div>
<% } else { %>
<div class="card failed">503: <%= escape(failure) %><small lang="ko">데이터베이스를 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.</small></div>
<% } %>
<ol>
<li><span>client</span><code>client: <%= escape(request.getRemoteAddr()) %></code></li>
<li><span>web server</span><code>nginx: <%= escape(proxy == null ? "none" : proxy) %></code></li>
<li><span>application</span><code>tomcat: <%= escape(hostname()) %></code></li>
<li><span>database</span><code>mysql: <%= escape(databaseHost == null ? "none" : databaseHost) %></code></li>
</ol>
</main>
</body>
</html>
