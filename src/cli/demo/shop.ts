import type { SqlConnection } from '../../engine/mariadb/connect.ts';

/**
 * A small shop: tables bound by foreign keys, a view, a trigger and an event, some tens of thousands of rows. Every value
 * follows from its row's number, so that two shops are alike. The event lies a year ahead: nothing changes by itself.
 */
const shop = [
  'CREATE DATABASE shop CHARACTER SET utf8mb4',
  'USE shop',
  `CREATE TABLE customers (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80) NOT NULL, email VARCHAR(120) NOT NULL UNIQUE,
     joined DATE NOT NULL) ENGINE=InnoDB`,
  `CREATE TABLE products (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80) NOT NULL, price DECIMAL(8,2) NOT NULL,
     stock INT NOT NULL) ENGINE=InnoDB`,
  `CREATE TABLE orders (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, customer_id INT UNSIGNED NOT NULL, placed DATETIME NOT NULL, note TEXT,
     FOREIGN KEY (customer_id) REFERENCES customers (id)) ENGINE=InnoDB`,
  `CREATE TABLE order_lines (
     order_id INT UNSIGNED NOT NULL, product_id INT UNSIGNED NOT NULL, quantity SMALLINT UNSIGNED NOT NULL,
     PRIMARY KEY (order_id, product_id),
     FOREIGN KEY (order_id) REFERENCES orders (id), FOREIGN KEY (product_id) REFERENCES products (id)) ENGINE=InnoDB`,
  `CREATE TABLE stock_moves (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, product_id INT UNSIGNED NOT NULL, quantity INT NOT NULL) ENGINE=InnoDB`,
  `INSERT INTO customers
     SELECT seq, CONCAT('Customer ', seq), CONCAT('customer', seq, '@example.org'), '2020-01-01' + INTERVAL seq MOD 2000 DAY
     FROM seq_1_to_5000`,
  `INSERT INTO products
     SELECT seq, CONCAT('Product ', seq), 1 + (seq * 37 MOD 20000) / 100, 100 + seq MOD 400 FROM seq_1_to_500`,
  `INSERT INTO orders
     SELECT seq, 1 + seq * 7 MOD 5000, '2024-01-01' + INTERVAL seq * 41 MINUTE, REPEAT(SHA2(seq, 256), 3) FROM seq_1_to_20000`,
  `INSERT INTO order_lines
     SELECT o.seq, 1 + (o.seq * 3 + l.seq * 101) MOD 500, 1 + (o.seq + l.seq) MOD 5 FROM seq_1_to_20000 o, seq_1_to_3 l`,
  `CREATE VIEW order_totals AS
     SELECT o.id, o.customer_id, SUM(l.quantity * p.price) AS total
     FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id
     GROUP BY o.id, o.customer_id`,
  `CREATE TRIGGER take_from_stock AFTER INSERT ON order_lines FOR EACH ROW
     INSERT INTO stock_moves (product_id, quantity) VALUES (NEW.product_id, -CAST(NEW.quantity AS INT))`,
  `CREATE EVENT forget_old_moves ON SCHEDULE EVERY 1 YEAR STARTS CURRENT_TIMESTAMP + INTERVAL 1 YEAR
     DO DELETE FROM stock_moves WHERE id < 1000`,
  "INSERT INTO orders VALUES (20001, 1, '2025-08-01 12:00:00', 'the newest order')",
  'INSERT INTO order_lines VALUES (20001, 7, 2), (20001, 8, 1), (20001, 9, 4)',
  'ANALYZE NO_WRITE_TO_BINLOG TABLE customers, products, orders, order_lines',
];

/** A day's work: after the full backup, after the incremental, and after the binary logs were archived. */
export const days = {
  first: "INSERT INTO shop.orders VALUES (20002, 2, '2025-08-02 09:30:00', 'after the full backup')",
  second: "INSERT INTO shop.orders VALUES (20003, 3, '2025-08-03 10:15:00', 'after the incremental')",
  third: "INSERT INTO shop.orders VALUES (20004, 4, '2025-08-04 11:45:00', 'in no backup and no archived log')",
} as const;

/** What happens on a bad day: a wrong UPDATE without its WHERE, and a table that is gone. */
export const damage = [
  "UPDATE shop.customers SET email = CONCAT('oops+', id, '@example.org')",
  'DROP TABLE shop.order_lines',
] as const;

export async function fillShop(sql: SqlConnection): Promise<void> {
  for (const statement of shop) await sql.query(statement);
}
