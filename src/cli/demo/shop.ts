import type { SqlConnection } from '../../engine/mariadb/connect.ts';

/**
 * A small shop: tables bound by foreign keys, a view, a trigger and an event, some tens of thousands of rows. Every value
 * follows from its row's number, so that two shops are alike. The event lies far in the future: nothing changes by itself.
 */
const shop = [
  'CREATE DATABASE shop CHARACTER SET utf8mb4',
  `CREATE TABLE shop.customers (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80) NOT NULL, email VARCHAR(120) NOT NULL UNIQUE,
     joined DATE NOT NULL) ENGINE=InnoDB`,
  `CREATE TABLE shop.products (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80) NOT NULL, price DECIMAL(8,2) NOT NULL,
     stock INT NOT NULL) ENGINE=InnoDB`,
  `CREATE TABLE shop.orders (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, customer_id INT UNSIGNED NOT NULL, placed DATETIME NOT NULL, note TEXT,
     FOREIGN KEY (customer_id) REFERENCES shop.customers (id)) ENGINE=InnoDB`,
  `CREATE TABLE shop.order_lines (
     order_id INT UNSIGNED NOT NULL, product_id INT UNSIGNED NOT NULL, quantity SMALLINT UNSIGNED NOT NULL,
     PRIMARY KEY (order_id, product_id),
     FOREIGN KEY (order_id) REFERENCES shop.orders (id), FOREIGN KEY (product_id) REFERENCES shop.products (id)) ENGINE=InnoDB`,
  `CREATE TABLE shop.stock_moves (
     id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, product_id INT UNSIGNED NOT NULL, quantity INT NOT NULL) ENGINE=InnoDB`,
  `INSERT INTO shop.customers
     SELECT seq, CONCAT('Customer ', seq), CONCAT('customer', seq, '@example.org'), '2020-01-01' + INTERVAL seq MOD 2000 DAY
     FROM seq_1_to_5000`,
  `INSERT INTO shop.products
     SELECT seq, CONCAT('Product ', seq), 1 + (seq * 37 MOD 20000) / 100, 100 + seq MOD 400 FROM seq_1_to_500`,
  `INSERT INTO shop.orders
     SELECT seq, 1 + seq * 7 MOD 5000, '2024-01-01' + INTERVAL seq * 41 MINUTE, REPEAT(SHA2(seq, 256), 3) FROM seq_1_to_20000`,
  `INSERT INTO shop.order_lines
     SELECT o.seq, 1 + (o.seq * 3 + l.seq * 101) MOD 500, 1 + (o.seq + l.seq) MOD 5 FROM seq_1_to_20000 o, seq_1_to_3 l`,
  `CREATE VIEW shop.order_totals AS
     SELECT o.id, o.customer_id, SUM(l.quantity * p.price) AS total
     FROM shop.orders o JOIN shop.order_lines l ON l.order_id = o.id JOIN shop.products p ON p.id = l.product_id
     GROUP BY o.id, o.customer_id`,
  `CREATE TRIGGER shop.take_from_stock AFTER INSERT ON shop.order_lines FOR EACH ROW
     INSERT INTO shop.stock_moves (product_id, quantity) VALUES (NEW.product_id, -CAST(NEW.quantity AS INT))`,
  `CREATE EVENT shop.forget_old_moves ON SCHEDULE EVERY 1 YEAR STARTS '2100-01-01'
     DO DELETE FROM shop.stock_moves WHERE id < 1000`,
  "INSERT INTO shop.orders VALUES (20001, 1, '2025-08-01 12:00:00', 'the newest order')",
  'INSERT INTO shop.order_lines VALUES (20001, 7, 2), (20001, 8, 1), (20001, 9, 4)',
];

/** What happens on a bad day: a wrong UPDATE without its WHERE, and a table that is gone. */
export const damage = [
  "UPDATE shop.customers SET email = CONCAT('oops+', id, '@example.org')",
  'DROP TABLE shop.order_lines',
];

export async function fillShop(sql: SqlConnection): Promise<void> {
  for (const statement of shop) await sql.query(statement);
}

export async function damageShop(sql: SqlConnection): Promise<void> {
  for (const statement of damage) await sql.query(statement);
}
