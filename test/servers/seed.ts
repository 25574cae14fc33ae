/**
 * Sample data of every common kind: InnoDB (with foreign keys, generated columns, a partitioned and a system-versioned
 * table), Aria, MyISAM, a sequence, a view, a trigger, a procedure, an event and an account. `megabytes` adds that much
 * of half-random rows.
 */
export function seedSql(megabytes = 0): string {
  const bulkRows = Math.ceil(megabytes * 1024);
  return `
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE DATABASE \`odd name-1\`;
USE shop;
CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, note TEXT,
  shout VARCHAR(80) AS (UPPER(name)) PERSISTENT, UNIQUE KEY (name)) ENGINE=InnoDB;
CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL, total DECIMAL(10,2), placed DATETIME(6),
  FOREIGN KEY (customer_id) REFERENCES customers (id)) ENGINE=InnoDB;
CREATE TABLE visits (id INT NOT NULL, day DATE NOT NULL, PRIMARY KEY (id, day)) ENGINE=InnoDB
  PARTITION BY RANGE (YEAR(day)) (PARTITION p24 VALUES LESS THAN (2025), PARTITION pmax VALUES LESS THAN MAXVALUE);
CREATE TABLE prices (id INT PRIMARY KEY, price INT) ENGINE=InnoDB WITH SYSTEM VERSIONING;
CREATE TABLE settings (k VARCHAR(50) PRIMARY KEY, v TEXT) ENGINE=Aria TRANSACTIONAL=1;
CREATE TABLE legacy (id INT PRIMARY KEY, v VARCHAR(50)) ENGINE=MyISAM;
CREATE TABLE \`odd name-1\`.\`t-1 ü\` (id INT PRIMARY KEY, b BLOB) ENGINE=InnoDB;
CREATE SEQUENCE numbers START WITH 100;
INSERT INTO customers (name, note) SELECT CONCAT('customer ', seq), REPEAT(MD5(seq), 4) FROM seq_1_to_1000;
INSERT INTO orders (customer_id, total, placed) SELECT 1 + seq % 1000, seq / 7, '2026-01-01 00:00:00' + INTERVAL seq SECOND FROM seq_1_to_3000;
INSERT INTO visits SELECT seq, '2024-01-01' + INTERVAL seq % 700 DAY FROM seq_1_to_1000;
INSERT INTO prices SELECT seq, seq * 10 FROM seq_1_to_50;
UPDATE prices SET price = price + 1 WHERE id % 3 = 0;
INSERT INTO settings SELECT CONCAT('key', seq), MD5(seq) FROM seq_1_to_200;
INSERT INTO legacy SELECT seq, MD5(seq) FROM seq_1_to_200;
INSERT INTO \`odd name-1\`.\`t-1 ü\` SELECT seq, UNHEX(SHA2(seq, 512)) FROM seq_1_to_100;
CREATE VIEW big_orders AS SELECT o.id, c.name, o.total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100;
CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(100)) ENGINE=InnoDB;
DELIMITER //
CREATE TRIGGER orders_ai AFTER INSERT ON orders FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('order ', NEW.id))//
CREATE PROCEDURE add_customer(IN n VARCHAR(80)) BEGIN INSERT INTO customers (name) VALUES (n); END//
DELIMITER ;
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM audit WHERE id < 0;
CREATE USER reader@localhost IDENTIFIED BY 'reader-secret-1';
GRANT SELECT ON shop.* TO reader@localhost;
SELECT NEXT VALUE FOR numbers;
${
  bulkRows === 0
    ? ''
    : `CREATE TABLE bulk (id INT AUTO_INCREMENT PRIMARY KEY, pad VARBINARY(1024) NOT NULL) ENGINE=InnoDB;
INSERT INTO bulk (pad) SELECT CONCAT(RANDOM_BYTES(480), REPEAT(MD5(seq), 16)) FROM seq_1_to_${bulkRows};`
}
`;
}
