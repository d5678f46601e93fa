<%@ page contentType="text/plain; charset=UTF-8" session="false" trimDirectiveWhitespaces="true" %>
<%@ page import="java.sql.*, javax.naming.*, javax.sql.DataSource" %>
<%
  // ?add=N writes one row and says "written N" once it is committed; ?create makes the table; else the rows by number.
  String add = request.getParameter("add");
  response.setHeader("Cache-Control", "no-store");
  DataSource source = (DataSource) new InitialContext().lookup("java:comp/env/jdbc/app");
  try (Connection database = source.getConnection(); Statement statement = database.createStatement()) {
    if (add != null) {
      try (PreparedStatement insert = database.prepareStatement("INSERT INTO ledger (id, text) VALUES (?, ?)")) {
        insert.setInt(1, Integer.parseInt(add));
        insert.setString(2, "row " + add);
        insert.executeUpdate();
      }
      out.print("written " + add);
    } else if (request.getParameter("create") != null) {
      statement.execute("CREATE TABLE IF NOT EXISTS ledger (id INT PRIMARY KEY, text VARCHAR(40) NOT NULL,"
          + " at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))");
      out.print("created");
    } else {
      ResultSet found = statement.executeQuery("SELECT id FROM ledger ORDER BY id");
      while (found.next()) out.println(found.getInt(1));
    }
  } catch (SQLException failure) {
    response.setStatus(503);
    out.print(failure.getErrorCode() + " " + failure.getMessage());
  }
%>
